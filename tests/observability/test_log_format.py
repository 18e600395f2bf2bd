"""A line of the log is valid JSON of bounded length, whatever the event contains."""

import io
import json
import random
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from service.config.settings import LogConfig
from service.observability import logs
from service.observability.log_format import ESSENTIAL, MAX_BYTES, rendered
from tests.support.process_state import restored

HUGE = {
    "letters": "x" * 1_000_000,
    "escapes": '\x1b[31m\x00\\"\n' * 100_000,
    "lone surrogates": "\ud800 \udfff " * 250_000,
    "emoji": "\U0001f469" * 1_000_000,
    "line ends": "\u2028\x85\r\n" * 250_000,
    "delete": "\x7f" * 1_000_000,
    "bytes": b"\xff" * 1_000_000,
    "list": ["x" * 100] * 10_000,
    "deep": {"a": {"b": ["x" * 1_000_000]}},
}


class _Broken:
    """A value whose repr fails."""

    def __repr__(self) -> str:
        raise ValueError("no description")


def _line(**fields: object) -> str:
    """Return the line of an event, which must be valid and short."""
    line = rendered({"event": "thing_happened", "level": "info", **fields}, repr)
    assert len(line.encode("ascii")) < MAX_BYTES
    assert line.isprintable()
    return line


def _event(**fields: object) -> dict[str, Any]:
    """Return the decoded line of an event, by a parser that accepts standard JSON only."""

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is no JSON")

    event: dict[str, Any] = json.loads(_line(**fields), parse_constant=refuse)
    assert (event["event"], event["level"]) == ("thing_happened", "info")
    return event


@pytest.mark.parametrize("value", HUGE.values(), ids=HUGE)
def test_huge_value_is_shortened_in_the_middle(value: object) -> None:
    """A long text keeps both ends and the number of missing characters; other fields are unchanged."""
    event = _event(text=value, size=7, other="whole")

    assert (event["size"], event["other"]) == (7, "whole")
    assert 4_000 < len(json.dumps(event["text"])) <= 8_192
    assert " characters ...] " in event["text"]
    if isinstance(value, str):
        assert event["text"].startswith(value[:300])
        assert event["text"].endswith(value[-300:])


@pytest.mark.parametrize("count", [10, 100])
def test_many_long_values_are_all_shortened(count: int) -> None:
    """Several long fields are each shortened; a short one is unchanged."""
    event = _event(**{f"field{n}": "x" * 20_000 for n in range(count)}, other="whole")

    assert event["other"] == "whole"
    assert all("characters" in event[f"field{n}"] for n in range(count))


def test_too_many_values_leave_the_essential_fields() -> None:
    """Where shortening is not enough, the essential fields stay and the others are counted."""
    essential = {name: "1" for name in ESSENTIAL if name not in {"event", "level"}}

    event = _event(**{f"field{n}": "x" * 20 for n in range(5_000)}, **essential)

    assert event == {
        "event": "thing_happened",
        "level": "info",
        **essential,
        "fields_left_out": 5_000,
    }


def test_longest_line_that_fits_is_left_alone() -> None:
    """A line of exactly the limit, line feed included, is unchanged; one byte more is shortened."""
    room = MAX_BYTES - 1 - len(_line(text=""))

    assert _event(text="x" * room)["text"] == "x" * room
    assert "characters" in _event(text="x" * (room + 1))["text"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (10**5_000, "<unwritable int>"),
        (_Broken(), "<unwritable _Broken>"),
        ([_Broken()], "<unwritable list>"),
        ({(1, 2): 3}, "<unwritable dict>"),
        (float("nan"), None),
        (10**30, 10**30),
    ],
    ids=["digits", "description", "inside", "key", "not a number", "beyond 64 bits"],
)
def test_value_that_cannot_be_written_costs_no_event(value: object, expected: object) -> None:
    """A value that cannot be serialised is replaced by a placeholder; the event is written."""
    assert _event(value=value, other="whole") == {
        "event": "thing_happened",
        "level": "info",
        "value": expected,
        "other": "whole",
    }


def test_not_a_number_beside_what_is_no_text_is_valid() -> None:
    """NaN, which is not JSON, is not written by the fallback of the standard library either."""
    event = _event(value=float("nan"), text="\ud800")

    assert (event["value"], event["text"]) == ("<unwritable float>", "\ud800")


def test_circular_value_is_replaced() -> None:
    """A value that contains itself, or has too many levels, is replaced by a placeholder."""
    circle: list[object] = []
    circle.append(circle)
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]

    event = _event(circle=circle, deep=deep)

    assert (event["circle"], event["deep"]) == ("<unwritable list>", "<unwritable list>")


def test_broken_value_beside_letters_that_are_not_ascii() -> None:
    """A value that fails only for the standard library is replaced, too."""
    texts: Iterator[str] = iter(("once",))

    def once(_: object) -> str:
        return next(texts)

    line = rendered({"event": "thing_happened", "value": object(), "text": "\xe9"}, once)

    assert json.loads(line) == {
        "event": "thing_happened",
        "value": "<unwritable object>",
        "text": "\xe9",
    }


@pytest.mark.parametrize(
    "name",
    ["x" * 1_000_000, 'a\n"b"', "\ud800", 7, None],
    ids=["long", "quoted", "surrogate", "number", "nothing"],
)
def test_name_is_bounded_as_well(name: Any) -> None:  # noqa: ANN401 -- of any type, which is what is tried
    """A name of a field whose text is hostile."""
    line = rendered({"event": "thing_happened", name: "x" * 20_000}, repr)

    assert len(line) < MAX_BYTES
    (other,) = json.loads(line).keys() - {"event"}
    assert other == str(name)[:128]


def _fail_at(depth: int) -> None:
    if depth:
        _fail_at(depth - 1)
    raise ValueError("\x1b[31m\n" + "x" * 50_000)


def test_deep_and_chained_exceptions_keep_both_ends() -> None:
    """The line of an exception keeps the start of its traceback and its message."""
    stream = io.StringIO()
    with restored():
        logs.configure(LogConfig("info", "json"), stream)
        try:
            try:
                _fail_at(200)
            except ValueError as error:
                raise KeyError("last") from error
        except KeyError:
            structlog.get_logger().exception("request_failed", sub="alice")
            expected = traceback.format_exc()

    (line,) = stream.getvalue().splitlines()
    assert len(line) < MAX_BYTES
    event = json.loads(line)
    assert (event["event"], event["sub"]) == ("request_failed", "alice")
    assert event["exception"].startswith(expected[:1_000])
    assert event["exception"].endswith("KeyError: 'last'")


def test_random_sizes_all_fit() -> None:
    """The line fits for any sizes of its fields, and has each of the first few."""
    draw = random.Random(4_711)  # noqa: S311 -- test data
    letters = ("x", "\n", "\xe9", "\U0001f469", "\ud800")
    for _ in range(100):
        fields = {
            f"field{n}": draw.choice(letters) * draw.randrange(6_000)
            for n in range(draw.randrange(1, 12))
        }
        assert _event(**fields).keys() == {"event", "level", *fields}
