"""The log's lines leave together at the end of a turn of the event loop, and at once without one."""

import asyncio
import io
import threading

from service.observability.log_stream import LogStream


class Stream(io.StringIO):
    """Notes what every write is given."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        """Note *text*."""
        self.writes.append(text)
        return len(text)


class Abandoned(Stream):
    """A pipe whose reader is gone."""

    def write(self, text: str) -> int:
        """Note *text*, and fail."""
        super().write(text)
        raise BrokenPipeError


def _say(lines: LogStream, *several: str) -> None:
    for text in several:
        lines.write(text)
        lines.flush()


def test_line_is_written_at_once_without_a_loop() -> None:
    """Where no event loop runs, nothing is kept back."""
    stream = Stream()

    _say(LogStream(stream), "one\n", "two\n")

    assert stream.writes == ["one\n", "two\n"]


async def test_lines_of_a_turn_leave_together() -> None:
    """What is said in one turn of the loop is one write, in its order, after all else of the turn."""
    stream = Stream()
    lines = LogStream(stream)

    _say(lines, "one\n", "two\n")
    before = stream.writes[:]
    await asyncio.sleep(0)
    _say(lines, "three\n")
    await asyncio.sleep(0)

    assert before == []
    assert stream.writes == ["one\ntwo\n", "three\n"]


async def test_line_of_another_thread_goes_along() -> None:
    """A thread's line is not lost where the loop is about to write."""
    stream = Stream()
    lines = LogStream(stream)

    _say(lines, "loop\n")
    thread = threading.Thread(target=_say, args=(lines, "thread\n"))
    thread.start()
    thread.join()
    await asyncio.sleep(0)

    assert stream.writes == ["loop\nthread\n"]


def test_loop_that_ended_too_soon_takes_no_line_with_it() -> None:
    """What a closed loop did not come to write leaves with the next line."""
    stream = Stream()
    lines = LogStream(stream)
    loop = asyncio.new_event_loop()

    loop.call_soon(
        loop.stop
    )  # ends it after this turn; what the next call plans is for another one
    loop.call_soon(_say, lines, "last\n")
    loop.run_forever()
    loop.close()
    _say(lines, "after\n")

    assert "".join(stream.writes) == "last\nafter\n"


async def test_reader_that_is_gone_harms_nobody() -> None:
    """A log that nobody reads any more fails no one who writes to it."""
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    stream = Abandoned()
    lines = LogStream(stream)

    _say(lines, "one\n")
    await asyncio.sleep(0)
    _say(lines, "two\n")
    await asyncio.sleep(0)

    assert stream.writes == ["one\n", "two\n"]
    assert failures == []
