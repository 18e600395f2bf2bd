"""Lines of the log are written together at the end of an iteration of the event loop, else at once."""

import asyncio
import io
import threading

from service.observability.log_stream import LogStream


class Stream(io.StringIO):
    """A stream that records every write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        """Record *text*."""
        self.writes.append(text)
        return len(text)


class Abandoned(Stream):
    """A pipe whose reader is gone."""

    def write(self, text: str) -> int:
        """Record *text*, and fail."""
        super().write(text)
        raise BrokenPipeError


def _say(lines: LogStream, *several: str) -> None:
    for text in several:
        lines.write(text)
        lines.flush()


def test_line_is_written_at_once_without_a_loop() -> None:
    """Where no event loop runs, nothing is buffered."""
    stream = Stream()

    _say(LogStream(stream), "one\n", "two\n")

    assert stream.writes == ["one\n", "two\n"]


async def test_lines_of_an_iteration_are_one_write() -> None:
    """All lines of one iteration are one write, in order, after everything else of the iteration."""
    stream = Stream()
    lines = LogStream(stream)

    _say(lines, "one\n", "two\n")
    before = stream.writes[:]
    await asyncio.sleep(0)
    _say(lines, "three\n")
    await asyncio.sleep(0)

    assert before == []
    assert stream.writes == ["one\ntwo\n", "three\n"]


async def test_line_of_another_thread_is_written() -> None:
    """The line of a thread is not lost where the loop is about to write."""
    stream = Stream()
    lines = LogStream(stream)

    _say(lines, "loop\n")
    thread = threading.Thread(target=_say, args=(lines, "thread\n"))
    thread.start()
    thread.join()
    await asyncio.sleep(0)

    assert stream.writes == ["loop\nthread\n"]


def test_line_of_a_closed_loop_is_not_lost() -> None:
    """A line that a closed loop did not write is written with the next one."""
    stream = Stream()
    lines = LogStream(stream)
    loop = asyncio.new_event_loop()

    loop.call_soon(
        loop.stop
    )  # ends the loop after this iteration; the next call schedules for another one
    loop.call_soon(_say, lines, "last\n")
    loop.run_forever()
    loop.close()
    _say(lines, "after\n")

    assert "".join(stream.writes) == "last\nafter\n"


async def test_missing_reader_raises_no_error() -> None:
    """Writing to a log whose reader is gone raises no error."""
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
