"""Dates of birth."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from marshmallow import ValidationError

from service.api.schemas.profile_fields.text import CanonicalText

EARLIEST: Final = date(1900, 1, 1)  # before the birth of anyone alive
_FURTHEST_EAST: Final = timedelta(hours=14)  # Kiribati, the earliest time zone


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Birthdate(CanonicalText):
    """A date as `YYYY-MM-DD`, from 1900 to today in the earliest time zone."""

    about = "Not in the future."
    format = "date"
    shape = r"^(?:19|2[0-9])[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$"

    def __init__(self, *args: Any, now: Callable[[], datetime] = _utc_now, **options: Any) -> None:  # noqa: ANN401 -- marshmallow's own field options
        super().__init__(*args, **options)
        self._now = now

    def canonical(self, text: str) -> str:
        """Return the date; OpenID's year 0000, for an omitted year, is rejected."""
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            try:
                given = date.fromisoformat(text)
            except ValueError:
                pass
            else:
                if EARLIEST <= given <= (self._now() + _FURTHEST_EAST).date():
                    return text
                raise ValidationError(f"Must be a date from {EARLIEST} to today.")
        raise ValidationError("Must be a date such as 1990-12-31.")
