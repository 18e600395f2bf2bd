"""The ids of an item's newest writes."""

from datetime import UTC, datetime, timedelta

from service.domain.timestamps import timestamp
from service.profile_store.write_ids import KEPT_AT_REST, KEPT_WHEN_BUSY, new_write_id, with_newest

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _after(writes: int, pause: timedelta) -> list[str]:
    """Return the ids after so many writes with a pause between two, the newest first."""
    known, moment = "", NOW
    for number in range(writes):
        known = with_newest(str(number), known, written_at=timestamp(moment), now=moment + pause)
        moment += pause
    return known.split()


def test_newest_stands_first() -> None:
    """The ids stand from the newest to the oldest."""
    assert _after(3, timedelta(seconds=1)) == ["2", "1", "0"]


def test_few_are_kept_of_an_item_at_rest() -> None:
    """An item that is written now and then does not grow by it."""
    assert _after(1000, timedelta(hours=1)) == [str(999 - n) for n in range(KEPT_AT_REST)]


def test_many_are_kept_of_a_busy_item_and_not_all() -> None:
    """Under writes in quick succession the ids reach far back, and are bounded all the same."""
    assert _after(1000, timedelta(milliseconds=50)) == [str(999 - n) for n in range(KEPT_WHEN_BUSY)]


def test_clock_behind_the_last_writer_forgets_nothing() -> None:
    """An item that was written in this clock's future counts as busy."""
    known = " ".join(map(str, range(KEPT_AT_REST)))
    later = timestamp(NOW + timedelta(hours=1))

    assert with_newest("x", known, written_at=later, now=NOW) == f"x {known}"


def test_ids_are_words_that_fit_a_request_token() -> None:
    """An id has no blanks, differs from all others, and may be a ClientRequestToken."""
    ids = {new_write_id() for _ in range(1000)}

    assert len(ids) == 1000
    assert all(len(one) == 12 and one.split() == [one] for one in ids)
