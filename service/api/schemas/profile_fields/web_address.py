"""URLs of pages and pictures."""

import re
from typing import Final

from marshmallow import ValidationError

from service.api.schemas.profile_fields.text import CanonicalText
from service.api.schemas.profile_fields.url_host import is_host
from service.api.schemas.unicode_text import NOT_IN_A_LINE, SPACES, fault_of_a_line

# RFC 3987 without user information, but with brackets in paths and queries, which many frameworks send.
_NEVER: Final = rf'{NOT_IN_A_LINE}{SPACES}"<>\\^`{{|}}'
_CHARACTER: Final = rf"(?:[^%{_NEVER}]|%[0-9A-Fa-f]{{2}})"
_SHAPE: Final = (
    r"[Hh][Tt][Tt][Pp][Ss]?://"
    rf"(\[[0-9A-Fa-f:.]+\]|(?:[^%@:/?#\[\]{_NEVER}]|%[0-9A-Fa-f]{{2}})+)(?::(0*[0-9]{{0,5}}))?"
    rf"(?:[/?#]{_CHARACTER}*)?"
)
_ADDRESS: Final = re.compile(_SHAPE)
_MAX_PORT: Final = 65_535


class WebAddress(CanonicalText):
    """
    An absolute http or https URL, internationalized ones (RFC 3987) included, stored as sent.

    The service never fetches it.
    """

    about = "An absolute URL without user information."
    format = "iri"
    shape = f"^{_SHAPE}$"
    longest = 2_048

    def prepare(self) -> None:
        """Load idna's tables."""
        is_host("ü")

    def canonical(self, text: str) -> str:
        """Return the URL."""
        found = _ADDRESS.fullmatch(text)
        if found is None or fault_of_a_line(text) is not None:
            raise ValidationError(
                "Must be an absolute http or https URL without a user name, such as"
                " https://example.com."
            )
        host, port = found.groups()
        if not is_host(host) or (port and not 0 < int(port) <= _MAX_PORT):
            raise ValidationError("Must have a valid host, and a valid port if any.")
        return text
