"""The host of a URL, as Chromium reads it."""

import re
import unicodedata
from ipaddress import IPv6Address
from typing import Final
from urllib.parse import unquote_to_bytes

import idna

MAX_NAME_CHARACTERS: Final = 253  # RFC 1035, section 2.3.4, without the length octets

_LABEL: Final = re.compile(r"[a-z0-9_-]{1,63}")
_NUMBER: Final = re.compile(r"0x[0-9a-f]*|[0-9]+")
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})
_IPV4_PARTS: Final = 4


def is_host(text: str) -> bool:
    """
    Return whether Chromium opens a URL with this host: a domain name or an IP address.

    Escapes are decoded; other characters than ASCII are mapped by UTS #46, without its rules for hyphens
    and joiners. The name that results is one of letters, digits, hyphens and underscores.
    """
    try:
        if text.startswith("["):
            return bool(IPv6Address(text[1:-1]))
        name = _unescaped(_in_ascii(_unescaped(text))).lower().removesuffix(".")
    except ValueError:  # also idna.IDNAError
        return False
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _is_ipv4(labels)
    return (
        len(name) <= MAX_NAME_CHARACTERS
        and all(map(_LABEL.fullmatch, labels))
        and labels[-1][0].isalnum()
    )


def _unescaped(text: str) -> str:
    return unquote_to_bytes(text).decode() if "%" in text else text


def _in_ascii(name: str) -> str:
    """Return *name* with each label in ASCII; raises ValueError."""
    if name.isascii():
        return name
    mapped = idna.uts46_remap(name, std3_rules=False)
    # The encoding is not shorter, and takes quadratic time.
    if len(mapped) > MAX_NAME_CHARACTERS + 1:
        raise ValueError("too long")
    return ".".join(map(_label_in_ascii, mapped.split(".")))


def _label_in_ascii(label: str) -> str:
    if label.isascii():
        return label
    idna.check_initial_combiner(label)
    if any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in label):
        idna.check_bidi(label)
    return "xn--" + label.encode("punycode").decode()


def _is_ipv4(parts: list[str]) -> bool:
    """Return whether *parts* are an IPv4 address; the last of less than four fills the rest."""
    if len(parts) > _IPV4_PARTS or not all(map(_NUMBER.fullmatch, parts)):
        return False
    try:
        *leading, last = (_number(part) for part in parts)
    except ValueError:  # an octal number with 8 or 9, or one with thousands of digits
        return False
    return max(leading, default=0) < 256 and last < 256 ** (_IPV4_PARTS - len(leading))  # noqa: PLR2004 -- the values of an octet


def _number(text: str) -> int:
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8 if text.startswith("0") else 10)
