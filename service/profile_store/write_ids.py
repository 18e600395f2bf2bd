"""
The ids of an item's newest writes, by which a write that is repeated recognises itself.

They stand in one string, the newest first, blanks between them. One alone is what the first versions of
this service wrote. An id has to be found as long as its request may still be repeated, whatever
others write on top in the meantime: so an item that is written again and again keeps many, and one
that has been at rest only a few.
"""

import secrets
from datetime import datetime, timedelta

from service.domain.timestamps import timestamp

RANDOM_BYTES = (
    9  # twelve characters; a store-wide clash within ten minutes, at 1,000 a second: 4e-11
)
KEPT_AT_REST = 8
KEPT_WHEN_BUSY = 128  # 1.7 KB: two requests a second are 16 in [server] request-deadline-s
REST = timedelta(minutes=1)  # far longer than any request is repeated


def new_write_id() -> str:
    """Return an id that no other write has."""
    return secrets.token_urlsafe(RANDOM_BYTES)


def with_newest(write_id: str, known: str, *, written_at: str, now: datetime) -> str:
    """Return *known* with *write_id* before them; *written_at* is the timestamp of the last write."""
    busy = written_at > timestamp(now - REST)
    kept = KEPT_WHEN_BUSY if busy else KEPT_AT_REST
    return " ".join([write_id, *known.split()][:kept])
