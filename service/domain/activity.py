"""Activity: what happened to a user's account and profile, as the user can read it."""

import re
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from service.domain.values.timestamps import moment

MAX_TEXT: Final = 256  # characters of each text of an event
MAX_APPENDED: Final = 99  # with one more item in a transaction of DynamoDB
ID_BYTES: Final = 6  # eight characters; events of one user and one millisecond share a partition
# `position` of an event, in characters that a URL needs not escape.
_POSITION: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)\.[A-Za-z0-9_-]{8}", re.ASCII
)


def new_event_id() -> str:
    """Return eight random characters, which make the position of an event unique."""
    return secrets.token_urlsafe(ID_BYTES)


def bounded_text(text: str) -> str | None:
    """Return the first MAX_TEXT printable characters of *text*; None if there is none."""
    kept = "".join(character for character in text[: 8 * MAX_TEXT] if character.isprintable())
    return kept[:MAX_TEXT].strip() or None


@dataclass(frozen=True, slots=True)
class ActivityEvent:
    """
    An event: *at* is its timestamp, *event* the name of its audit event.

    *address* and *device* are the client's IP address and User-Agent, *detail* is what changed or the
    code of the refusal; None where it is unknown. Texts have at most MAX_TEXT printable characters.
    """

    at: str
    event: str
    address: str | None = field(default=None, repr=False)
    device: str | None = field(default=None, repr=False)
    detail: str | None = None
    event_id: str = field(default_factory=new_event_id, compare=False)

    @property
    def position(self) -> str:
        """The place of the event in the user's activity; positions sort as text by time."""
        return f"{self.at}.{self.event_id}"


def is_position(text: str) -> bool:
    """Return whether *text* has the form of an event's position."""
    match = _POSITION.fullmatch(text)
    return match is not None and moment(match[1]) is not None


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """Events, newest first; *next_position* is where older ones continue, None after the oldest."""

    events: Sequence[ActivityEvent]
    next_position: str | None


class ActivityErased(Exception):
    """The user's data was erased after the events happened: they are not stored."""


class ActivityLog(Protocol):
    """
    The port of the stored activity.

    All methods raise UpstreamUnavailable, Misconfigured or UpstreamFault. Events that have expired are
    never returned. They are erased with the profile, by the ProfileStore.
    """

    async def append(self, user_id: str, events: Sequence[ActivityEvent]) -> None:
        """
        Store 1 to MAX_APPENDED events, all or none; storing the same events again changes nothing.

        Raises ActivityErased if the user's data was erased after one of them happened, and ProfileChanged
        where concurrent writes continue.
        """

    async def page(self, user_id: str, *, limit: int, before: str | None = None) -> ActivityPage:
        """Return at most *limit* events, newest first, of those before the position *before*."""

    def all(self, user_id: str) -> AsyncIterator[Sequence[ActivityEvent]]:
        """Yield all events, newest first, in lists."""
