"""Addresses for mail."""

import re
from typing import Final

from email_validator import EmailNotValidError, validate_email
from marshmallow import ValidationError

from service.api.schemas.profile_fields.text import CanonicalText
from service.api.schemas.unicode_text import NOT_IN_A_LINE, SPACES

_PART: Final = f"[^@{NOT_IN_A_LINE}{SPACES}]+"
_SHAPE: Final = rf"{_PART}@{_PART}\.{_PART}"


class EmailAddress(CanonicalText):
    """
    An address for mail, international ones included; its domain is kept in lower case.

    No name server is asked: that the address is somebody's, only a mail to it can show.
    """

    about = "An address for mail, its domain in lower case."
    format = "idn-email"
    shape = f"^{_SHAPE}$"
    longest = 254  # RFC 5321 leaves 254 for an address in angle brackets of 256

    def canonical(self, text: str) -> str:
        """Return the address."""
        if re.fullmatch(_SHAPE, text) is not None:
            try:
                return validate_email(
                    text,
                    strict=True,
                    check_deliverability=False,
                    test_environment=True,  # takes *.test, where applications are tested
                ).normalized
            except EmailNotValidError:
                pass
        raise ValidationError("Must be an e-mail address, such as asha@example.com.")
