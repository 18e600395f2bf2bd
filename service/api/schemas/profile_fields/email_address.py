"""E-mail addresses."""

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
    An e-mail address, internationalized ones included, with its domain in lower case.

    The domain is not resolved: only a message can verify an address.
    """

    about = "An e-mail address; its domain is stored in lower case."
    format = "idn-email"
    shape = f"^{_SHAPE}$"
    longest = 254  # RFC 5321: 256 with angle brackets

    def canonical(self, text: str) -> str:
        """Return the address."""
        if re.fullmatch(_SHAPE, text) is not None:
            try:
                return validate_email(
                    text,
                    strict=True,
                    check_deliverability=False,
                    test_environment=True,  # accepts *.test
                ).normalized
            except EmailNotValidError:
                pass
        raise ValidationError("Must be an e-mail address, such as asha@example.com.")
