"""The ids of an item's newest writes."""

from datetime import UTC, datetime, timedelta

from service.domain.values.timestamps import timestamp
from service.profile_store.write_ids import MAX_IDS_BUSY, MAX_IDS_IDLE, new_write_id, prepend_id

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _after(writes: int, pause: timedelta) -> list[str]:
    """Return the ids after so many writes with a pause between two, the newest first."""
    known, moment = "", NOW
    for number in range(writes):
        known = prepend_id(str(number), known, written_at=timestamp(moment), now=moment + pause)
        moment += pause
    return known.split()


def test_newest_is_first() -> None:
    """The ids are in order from the newest to the oldest."""
    assert _after(3, timedelta(seconds=1)) == ["2", "1", "0"]


def test_idle_item_keeps_few_ids() -> None:
    """An item that is written rarely keeps few ids."""
    assert _after(1000, timedelta(hours=1)) == [str(999 - n) for n in range(MAX_IDS_IDLE)]


def test_busy_item_keeps_many_ids() -> None:
    """An item under frequent writes keeps many ids, up to a bound."""
    assert _after(1000, timedelta(milliseconds=50)) == [str(999 - n) for n in range(MAX_IDS_BUSY)]


def test_clock_behind_the_last_writer_keeps_all_ids() -> None:
    """An item whose last write is in the future of this clock counts as busy."""
    known = " ".join(map(str, range(MAX_IDS_IDLE)))
    later = timestamp(NOW + timedelta(hours=1))

    assert prepend_id("x", known, written_at=later, now=NOW) == f"x {known}"


def test_ids_are_words_that_fit_a_request_token() -> None:
    """An id has no blanks, differs from all others, and may be a ClientRequestToken."""
    ids = {new_write_id() for _ in range(1000)}

    assert len(ids) == 1000
    assert all(len(one) == 12 and one.split() == [one] for one in ids)
