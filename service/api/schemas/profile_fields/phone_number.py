"""Telephone numbers."""

import re
from typing import Final

import phonenumbers
from marshmallow import ValidationError

from service.api.schemas.profile_fields.text import CanonicalText

# Up to 15 digits and two of a trunk prefix, as in +44 (0)20.
_SHAPE: Final = r"\+[1-9](?:[ ().-]{0,2}[0-9]){1,16}"


class PhoneNumber(CanonicalText):
    """
    A telephone number with its country code, stored in E.164.

    The country code must exist, and the length must be possible there. The number's block need not be
    assigned: assignments change more often than releases.
    """

    about = "A telephone number; stored in E.164."
    shape = f"^{_SHAPE}$"
    longest = 40

    def canonical(self, text: str) -> str:
        """Return the number in E.164."""
        number = _read(text)
        if number is not None and phonenumbers.is_possible_number(number):
            kept = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            if _read(kept) == number:  # else it has several trunk prefixes
                return kept
        raise ValidationError(
            "Must be a telephone number with its country code (E.164), such as +912212345678."
        )


def _read(text: str) -> phonenumbers.PhoneNumber | None:
    if re.fullmatch(_SHAPE, text) is None:
        return None
    try:
        return phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return None
