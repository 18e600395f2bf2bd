"""Timestamps: ISO 8601 in UTC with milliseconds, whose text order is the order of time."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]  # returns an aware datetime


def utc_now() -> datetime:
    """Return the current time of the machine's clock."""
    return datetime.now(UTC)


def moment(text: str) -> datetime | None:
    """Return the time of a timestamp in UTC; None for other text, or without a time zone."""
    try:
        read = datetime.fromisoformat(text)
        return read.astimezone(UTC) if read.tzinfo is not None else None
    except (ValueError, OverflowError):  # the first and the last hours of the calendar
        return None


def timestamp(moment: datetime) -> str:
    """Return an aware *moment* as `2026-11-23T03:14:15.926Z`; microseconds are truncated."""
    return moment.astimezone(UTC).isoformat("T", "milliseconds").removesuffix("+00:00") + "Z"
