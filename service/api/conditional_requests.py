"""
Entity tags and preconditions (RFC 9110, sections 8.8.3 and 13.1).

Proxies that compress a response change its tag. What they add is ignored, in If-Match too: see
docs/decisions/0022-changed-entity-tags.md.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from aiohttp import hdrs, web
from multidict import istr

from service.api.http_errors import MalformedRequest
from service.domain.profiles import Profile
from service.domain.values.timestamps import moment

ETAG_HEADER = istr("ETag")  # aiohttp's constant is spelled Etag
_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*+"'
# Elements may be empty (RFC 9110, section 5.6.1.2), but not all of them.
_BLANKS = r"[ \t]*+"
_LIST = re.compile(rf"(?:{_BLANKS},)*{_BLANKS}{_TAG}(?:{_BLANKS},(?:{_BLANKS}{_TAG})?)*{_BLANKS}\Z")
_TAGS = re.compile(_TAG)
# The tag of a response that a proxy has compressed: nginx, haproxy and varnish add W/; Apache, lighttpd
# and Jetty the name of the coding. The service's own tags have neither.
_CHANGED = re.compile(
    r'(?:W/)?("[^"+./:;_-]*+)'
    r"(?:[+./:;_-]{1,2}(?:x-)?"
    r'(?:br|bzip2|compress|dcb|dcz|deflate|df|gunzip|gzip|gz|identity|zstd|zst))*"',
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class TagList:
    """The value of If-Match or If-None-Match: `*` or a list of entity tags, as the service sent them."""

    any: bool
    tags: frozenset[str]

    def matches(self, tag: str) -> bool:
        """Return whether *tag* is one of them."""
        return self.any or tag in self.tags


def entity_tag(body: bytes) -> str:
    """
    Return the strong entity tag of a representation, a digest of its bytes.

    Unlike a version, it also changes with writes of other applications and with the schema.
    """
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def tag_list(request: web.Request, header: str) -> TagList | None:
    """Return the value of *header*, or None without one; raises MalformedRequest."""
    copies = request.headers.getall(header, None)
    if copies is None:
        return None
    text = ",".join(copies)
    if text.strip() == "*":
        return TagList(any=True, tags=frozenset())
    if not _LIST.match(text):
        raise MalformedRequest(f'{header} must be * or a list of quoted entity tags: "a", "b".')
    return TagList(any=False, tags=frozenset(map(_as_sent, _TAGS.findall(text))))


def _as_sent(tag: str) -> str:
    """Return a tag without what a proxy has added."""
    changed = _CHANGED.fullmatch(tag)
    return f'{changed[1]}"' if changed else tag


@dataclass(frozen=True, slots=True)
class Condition:
    """
    The preconditions of a request; *tag_of* returns the entity tag of a profile.

    *if_unmodified_since* is None if there is an If-Match, which takes precedence.
    """

    if_match: TagList | None
    if_none_match: TagList | None
    if_unmodified_since: datetime | None
    tag_of: Callable[[Profile], str]

    def allows(self, profile: Profile | None) -> bool:
        """Return whether a write to *profile* is allowed; None is a user without a profile."""
        if profile is None:
            return self.if_match is None
        if self.if_match is None and self.if_none_match is None:
            return not self._was_modified(profile)
        tag = self.tag_of(profile)
        return self.if_match_passes(profile, tag) and not self.if_none_match_hits(tag)

    def if_match_passes(self, profile: Profile, tag: str) -> bool:
        """Return whether If-Match, or else If-Unmodified-Since, holds for the profile of this tag."""
        if self.if_match is not None:
            return self.if_match.matches(tag)
        return not self._was_modified(profile)

    def if_none_match_hits(self, tag: str) -> bool:
        """Return whether If-None-Match matches this tag."""
        return self.if_none_match is not None and self.if_none_match.matches(tag)

    def _was_modified(self, profile: Profile) -> bool:
        if self.if_unmodified_since is None:
            return False
        modified = moment(profile.updated_at)
        return modified is not None and modified.replace(microsecond=0) > self.if_unmodified_since


def condition_of(request: web.Request, tag_of: Callable[[Profile], str]) -> Condition:
    """
    Return the preconditions of a request; raises MalformedRequest.

    An invalid date is ignored (RFC 9110, section 13.1.4).
    """
    headers = request.headers
    if (
        hdrs.IF_MATCH not in headers
        and hdrs.IF_NONE_MATCH not in headers
        and hdrs.IF_UNMODIFIED_SINCE not in headers
    ):
        return _none(tag_of)
    if_match = tag_list(request, hdrs.IF_MATCH)
    return Condition(
        if_match=if_match,
        if_unmodified_since=_unmodified_since(request) if if_match is None else None,
        if_none_match=tag_list(request, hdrs.IF_NONE_MATCH),
        tag_of=tag_of,
    )


@lru_cache(maxsize=1)
def _none(tag_of: Callable[[Profile], str]) -> Condition:
    """Return the preconditions of a request without any, as most are."""
    return Condition(if_match=None, if_none_match=None, if_unmodified_since=None, tag_of=tag_of)


def _unmodified_since(request: web.Request) -> datetime | None:
    try:
        return request.if_unmodified_since
    except OverflowError:  # aiohttp passes on years of any number of digits
        return None
