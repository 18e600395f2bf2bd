"""Moments as text: ISO 8601 in UTC with milliseconds, which sorts as time does."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]  # answers with an aware datetime


def utc_now() -> datetime:
    """Return the present moment by the machine's clock."""
    return datetime.now(UTC)


def moment(text: str) -> datetime | None:
    """Return the moment in UTC that a timestamp names; None for what is none, or names no zone."""
    try:
        read = datetime.fromisoformat(text)
        return read.astimezone(UTC) if read.tzinfo is not None else None
    except (ValueError, OverflowError):  # the first and the last hours of the calendar
        return None


def timestamp(moment: datetime) -> str:
    """Return an aware *moment* as `2026-11-23T03:14:15.926Z`; microseconds are cut, not rounded."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds") + "Z"
