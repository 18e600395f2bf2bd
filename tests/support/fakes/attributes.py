"""The attributes that a pool in memory takes: the standard ones of Cognito."""

import re
from collections.abc import Mapping

from service.domain.errors import InvalidFields

# https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html
STANDARD = frozenset(
    {
        "address", "birthdate", "email", "family_name", "gender", "given_name", "locale",
        "middle_name", "name", "nickname", "phone_number", "picture", "preferred_username",
        "profile", "updated_at", "website", "zoneinfo",
    }
)  # fmt: skip
FORMS = {"email": r"[^\s@]+@[^\s@]+\.[^\s@]+", "phone_number": r"\+[0-9]{1,15}"}


def check(attributes: Mapping[str, str | None], inside: str = "") -> None:
    """Refuse attributes that no user can set, and addresses that are none."""
    for name, value in attributes.items():
        form = FORMS.get(name, ".*")
        if name not in STANDARD or (value and not re.fullmatch(form, value, re.DOTALL)):
            raise InvalidFields.of(f"{inside}attributes.{name}", "Is not valid.")
