"""
The ids of an item's newest writes, by which a repeated write recognizes its own effect.

They are stored in one string, newest first, separated by blanks. An id must be found for as long as its
request may be repeated, whatever is written in between, so an item under frequent writes keeps more ids.
"""

import secrets
from datetime import datetime, timedelta

from service.domain.values.timestamps import timestamp

# Twelve characters; probability of a collision within ten minutes at 1,000 writes a second: 4e-11.
RANDOM_BYTES = 9
MAX_IDS_IDLE = 8
MAX_IDS_BUSY = 128  # 1.7 KB: two requests a second are 16 in [server] request-deadline-s
IDLE_AFTER = timedelta(minutes=1)  # far longer than any request is repeated


def new_write_id() -> str:
    """Return a unique write id."""
    return secrets.token_urlsafe(RANDOM_BYTES)


def prepend_id(write_id: str, known: str, *, written_at: str, now: datetime) -> str:
    """Return *known* with *write_id* in front; *written_at* is the timestamp of the previous write."""
    ids = [write_id, *known.split()]
    if len(ids) > MAX_IDS_IDLE:
        busy = written_at > timestamp(now - IDLE_AFTER)
        ids = ids[: MAX_IDS_BUSY if busy else MAX_IDS_IDLE]
    return " ".join(ids)
