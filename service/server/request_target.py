"""
Request targets: one spelling of each path is served.

A load balancer's rules compare the path as it was sent. If the service decoded or normalised it further,
a request could reach a route that the balancer's rule for it did not match.
"""

import re
from dataclasses import dataclass
from typing import Final

# RFC 3986, appendix A: pchar, without percent-encoding, and without the semicolon: some servers remove
# what follows it, others do not (section 3.3).
_SEGMENTS: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,=:@/-]*", re.ASCII)
# Targets that consist of a path with nothing to decode or to drop, as most do.
_PLAIN: Final = re.compile(r"/[A-Za-z0-9_~!$&'()*+,=:@/-]*", re.ASCII)
_PERCENT: Final = re.compile(r"%([0-9A-Fa-f]{2})")
# Normalisation removes dot segments, and some servers drop any dot or space at a segment's end.
_DROPPED_END: Final = re.compile(r"(?:\.|%20)(?:/|$)")
_ABSOLUTE: Final = re.compile(r"(?i:https?)://([^/?]+)(.*)", re.DOTALL)
# Percent-encoded, these are another spelling of themselves (RFC 3986, section 2.3), or a separator or
# another escape for servers that decode before they compare.
_NEVER_ENCODED: Final = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/\\?#;%"
)
_FIRST_VISIBLE: Final = 0x20
_DELETE: Final = 0x7F


@dataclass(slots=True)
class Target:
    """A request target: its path, and the authority of the absolute form, None in the origin form."""

    path: Final[str]
    authority: Final[str | None]


def parsed(target: str) -> Target | None:
    """Return the parts of a target; None where it is invalid or its path has another spelling."""
    if _PLAIN.fullmatch(target):
        return Target(target, None)
    if target == "*":  # OPTIONS of the whole server
        return Target(target, None)
    if "#" in target:
        return None
    authority = None
    if not target.startswith("/"):
        absolute = _ABSOLUTE.fullmatch(target)
        if absolute is None or "@" in absolute[1]:
            return None
        authority, target = absolute[1], absolute[2]
    path = target.partition("?")[0]
    return Target(path, authority) if _has_one_spelling(path) else None


def _has_one_spelling(path: str) -> bool:
    if _DROPPED_END.search(path):
        return False
    if _SEGMENTS.fullmatch(path):
        return True
    if not _SEGMENTS.fullmatch(_PERCENT.sub("", path)):
        return False
    encoded = bytes(int(digits, 16) for digits in _PERCENT.findall(path))
    if any(byte in _NEVER_ENCODED or byte < _FIRST_VISIBLE or byte == _DELETE for byte in encoded):
        return False
    try:  # neither overlong nor cut short
        _PERCENT.sub(lambda found: chr(int(found[1], 16)), path).encode("latin-1").decode("utf-8")
    except UnicodeError:
        return False
    return True
