"""URLs of pages and pictures."""

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from urllib.parse import urlsplit

import idna
from marshmallow import ValidationError

from service.api.schemas.profile_fields.text import CanonicalText
from service.api.schemas.unicode_text import NOT_IN_A_LINE, SPACES, fault_of_a_line

# RFC 3987 without user information, but with brackets in paths and queries, which many frameworks send.
_NEVER: Final = rf'{NOT_IN_A_LINE}{SPACES}"<>\\^`{{|}}'
_CHARACTER: Final = rf"(?:[^%{_NEVER}]|%[0-9A-Fa-f]{{2}})"
_SHAPE: Final = (
    r"[Hh][Tt][Tt][Pp][Ss]?://"
    rf"(?:\[[0-9A-Fa-f:.]+\]|[^%@:/?#\[\]{_NEVER}]+)(?::[0-9]{{1,5}})?"
    rf"(?:[/?#]{_CHARACTER}*)?"
)
_ADDRESS: Final = re.compile(_SHAPE)


class WebAddress(CanonicalText):
    """
    An absolute http or https URL, internationalized ones (RFC 3987) included, stored as sent.

    The service never fetches it.
    """

    about = "An absolute URL without user information."
    format = "iri"
    shape = f"^{_SHAPE}$"
    longest = 2_048

    def canonical(self, text: str) -> str:
        """Return the URL."""
        if fault_of_a_line(text) is not None or _ADDRESS.fullmatch(text) is None:
            raise ValidationError(
                "Must be an absolute http or https URL without a user name, such as"
                " https://example.com."
            )
        try:
            parts = urlsplit(text)
            usable = parts.port != 0 and _is_host(parts.hostname or "")
        except ValueError:  # an invalid port or IPv6 address
            usable = False
        if not usable:
            raise ValidationError("Must have a valid host, and a valid port if any.")
        return text


def _is_host(name: str) -> bool:
    """Return whether *name*, in lower case, is an IP address or a domain name of several labels."""
    if ":" in name:
        IPv6Address(name)
        return True
    last = name.removesuffix(".").rpartition(".")[2]
    if last.isascii() and last.isdigit():  # browsers parse it as an IPv4 address
        IPv4Address(name)
        return True
    try:
        return b"." in idna.encode(name).removesuffix(b".")
    except idna.IDNAError:
        return False
