"""Time zones."""

from functools import cache
from importlib import resources

from marshmallow import ValidationError

from service.api.schemas.profile_fields.text import CanonicalText


class TimeZone(CanonicalText):
    """
    A name or link of the IANA time zone database, case-sensitive.

    The names are those of the tzdata package, not of the machine.
    """

    about = "A time zone of the IANA database."
    shape = r"^[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}$"
    longest = 64

    def prepare(self) -> None:
        """Load the time zone names."""
        _names()

    def canonical(self, text: str) -> str:
        """Return the name."""
        if text not in _names():
            raise ValidationError("Must be a time zone of the IANA database, such as Asia/Kolkata.")
        return text


@cache
def _names() -> frozenset[str]:
    """Return the names, without Factory, which is for unset clocks."""
    names = resources.files("tzdata").joinpath("zones").read_text(encoding="ascii").split()
    return frozenset(names) - {"Factory"}
