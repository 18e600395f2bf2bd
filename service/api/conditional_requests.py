"""Entity tags and the conditions on them (RFC 9110, sections 8.8.3 and 13.1)."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from service.api.http_errors import MalformedRequest
from service.domain.profiles import Profile
from service.domain.timestamps import moment

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*+"'
# Elements may be empty (RFC 9110, section 5.6.1.2), but not all of them.
_BLANKS = r"[ \t]*+"
_LIST = re.compile(
    rf"(?:{_BLANKS},)*+{_BLANKS}{_TAG}(?:{_BLANKS},(?:{_BLANKS}{_TAG})?+)*+{_BLANKS}\Z"
)
_TAGS = re.compile(_TAG)


@dataclass(frozen=True, slots=True)
class TagList:
    """The value of If-Match or If-None-Match: any tag at all, or those listed."""

    any: bool
    tags: frozenset[str]

    def matches_strongly(self, tag: str) -> bool:
        """Compare as If-Match does: a weak tag equals none."""
        return self.any or tag in self.tags

    def matches_weakly(self, tag: str) -> bool:
        """Compare as If-None-Match does: weakness does not count."""
        return self.any or tag in self.tags or f"W/{tag}" in self.tags


def entity_tag(body: bytes) -> str:
    """
    Return the strong tag of a representation.

    It is a digest of the bytes, so that it changes with whatever changes them: a write, another
    program's write that counts no version, another schema after a deployment.
    """
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def tag_list(request: web.Request, header: str) -> TagList | None:
    """Return the condition in *header*, None without one; raises MalformedRequest."""
    copies = request.headers.getall(header, None)
    if copies is None:
        return None
    text = ",".join(copies)
    if text.strip() == "*":
        return TagList(any=True, tags=frozenset())
    if not _LIST.match(text):
        raise MalformedRequest(f'{header} must be * or a list of entity tags in quotes: "a", "b".')
    return TagList(any=False, tags=frozenset(_TAGS.findall(text)))


@dataclass(frozen=True, slots=True)
class Condition:
    """
    What a request requires; *tag_of* gives the tag of a profile as answered.

    *if_unmodified_since* is None beside If-Match, which is the better one: a date has only seconds.
    """

    if_match: TagList | None
    if_none_match: TagList | None
    if_unmodified_since: datetime | None
    tag_of: Callable[[Profile], str]

    def allows(self, profile: Profile | None) -> bool:
        """Tell whether the write may go ahead; None is a user without a profile."""
        if profile is None:
            return self.if_match is None
        if self.if_match is None and self.if_none_match is None:
            return not self._was_modified(profile)
        tag = self.tag_of(profile)
        return self.finds(profile, tag) and not self.knows(tag)

    def finds(self, profile: Profile, tag: str) -> bool:
        """Tell whether the profile, of this tag, is in the state that the request requires."""
        if self.if_match is not None:
            return self.if_match.matches_strongly(tag)
        return not self._was_modified(profile)

    def knows(self, tag: str) -> bool:
        """Tell whether If-None-Match names this tag."""
        return self.if_none_match is not None and self.if_none_match.matches_weakly(tag)

    def _was_modified(self, profile: Profile) -> bool:
        if self.if_unmodified_since is None:
            return False
        modified = moment(profile.updated_at)
        return modified is not None and modified.replace(microsecond=0) > self.if_unmodified_since


def condition_of(request: web.Request, tag_of: Callable[[Profile], str]) -> Condition:
    """
    Return what the request requires of the profile; raises MalformedRequest.

    A date that can't be read is ignored, as RFC 9110, section 13.1.4 demands.
    """
    if_match = tag_list(request, "If-Match")
    return Condition(
        if_match=if_match,
        if_unmodified_since=_unmodified_since(request) if if_match is None else None,
        if_none_match=tag_list(request, "If-None-Match"),
        tag_of=tag_of,
    )


def _unmodified_since(request: web.Request) -> datetime | None:
    try:
        return request.if_unmodified_since
    except (
        OverflowError
    ):  # aiohttp leaves it to the caller that a year may have any number of digits
        return None
