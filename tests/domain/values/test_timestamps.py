"""Moments as text."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from service.domain.values.timestamps import (
    moment,
    timestamp,
    utc_now,  # noqa: TID251 -- it is tested here
)


def test_timestamp_has_milliseconds_in_utc() -> None:
    """A timestamp is UTC with three digits; finer digits are truncated."""
    kolkata = timezone(timedelta(hours=5, minutes=30))

    assert timestamp(datetime(2026, 11, 23, 8, 44, 15, 926_999, kolkata)) == (
        "2026-11-23T03:14:15.926Z"
    )
    assert timestamp(datetime(2026, 11, 23, tzinfo=UTC)) == "2026-11-23T00:00:00.000Z"


def test_timestamps_sort_as_time_does() -> None:
    """The text of a later moment is the greater one."""
    moments = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=n * 977) for n in range(9)]

    assert sorted(map(timestamp, moments)) == [timestamp(moment) for moment in moments]


def test_present_moment_is_aware() -> None:
    """The service's clock returns an aware datetime."""
    assert utc_now().tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-11-23T03:14:15.926Z", datetime(2026, 11, 23, 3, 14, 15, 926_000, UTC)),
        ("2026-11-23T08:44:15+05:30", datetime(2026, 11, 23, 3, 14, 15, 0, UTC)),
        ("2026-11-23T03:14:15", None),
        ("0001-01-01T00:00:00+05:30", None),
        ("9999-12-31T23:59:59-05:30", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_valid_timestamp_is_parsed(text: str, read: datetime | None) -> None:
    """Any text of another application is parsed or is None."""
    assert moment(text) == read
