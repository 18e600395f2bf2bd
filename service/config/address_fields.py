"""The kinds of settings that are URLs, origins and hosts."""

import re
from ipaddress import IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

from marshmallow import ValidationError, fields

from service.config.fields import Words

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://((?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[1-9][0-9]*)?)")
# The last label of a name has a letter: 10.0.0.256 is a mistake.
_HOST_NAME = re.compile(r"(?:[A-Za-z0-9_-]+\.)*(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9_-]+\.?")


class Urls(Words):
    """http(s) URLs, separated by blanks."""

    def _word(self, word: str) -> str:
        if not _is_url(super()._word(word)):
            raise ValidationError(f"{word!r} is not of the right form.")
        return word


class Origins(Words):
    """
    The origins of pages, separated by blanks; stored as browsers send them.

    Those of applications with a web view have schemes of their own: capacitor://localhost.
    """

    def _word(self, word: str) -> str:
        origin = super()._word(word).lower()
        parts = _ORIGIN.fullmatch(origin)
        if parts is None or not _is_url(f"http://{parts[2]}"):
            raise ValidationError(f"{word!r} is not of the right form.")
        return origin.removesuffix(_DEFAULT_PORTS.get(parts[1], "/"))


class Hosts(fields.Field[tuple[str, ...]]):
    """Addresses to listen on, and names of hosts, separated by blanks or commas."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[str, ...]:  # noqa: ANN401 -- marshmallow's hook
        return tuple(dict.fromkeys(_host(word) for word in re.findall(r"[^\s,]+", str(value))))


def _host(word: str) -> str:
    """Return an address without brackets, or a name; raises ValidationError."""
    text = word[1:-1] if word.startswith("[") and word.endswith("]") else word
    try:
        address = ip_address(text)
    except ValueError:
        if _HOST_NAME.fullmatch(text) is None:
            raise ValidationError(f"{word!r} is neither an IP address nor a host name.") from None
        return text
    if isinstance(address, IPv6Address):
        if address.is_link_local and address.scope_id is None:
            raise ValidationError(f"{word!r} needs its interface: {text}%eth0.")
        return str(address.ipv4_mapped or address)
    return str(address)


class Url(fields.String):
    """An http(s) URL with any host name; it is logged, so it holds no user name or password."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:  # noqa: ANN401 -- marshmallow's hook
        if not _is_url(str(value)):
            raise ValidationError("Not a URL (without user name or password).")
        return str(value)


def _is_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        whole = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        return False
    return (
        bool(whole)
        and url.username is None
        and re.search(r'[\s"#<>\\^`{|}]', text) is None
        and re.search("[,;]", url.netloc) is None  # a list
    )
