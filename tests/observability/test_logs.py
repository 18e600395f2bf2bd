"""Log events are one line each, from every logger, and contain no passwords."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest
import structlog

from local_aws.outbox import Delivery
from local_aws.server import LocalAws, local_aws
from service.aws.clients import open_clients
from service.config.settings import LogConfig
from service.observability import logs
from tests.support.accounts import PASSWORD, new_user
from tests.support.configs import CREDENTIALS, configured
from tests.support.process_state import restored

Level = Literal["debug", "info", "warning", "error"]


@pytest.fixture(autouse=True)
def _process_restored() -> Iterator[None]:
    """Restore the logging configuration."""
    with restored():
        yield


@pytest.fixture(name="own_local_aws", scope="module")
def _own_local_aws() -> Iterator[LocalAws]:
    def silently(_: Delivery) -> None:
        """Discard a code."""

    with local_aws(announce=silently) as local:
        yield local


def _stream(level: Level = "info", form: Literal["json", "console"] = "json") -> io.StringIO:
    """Configure the log and return the stream that it goes to."""
    stream = io.StringIO()
    logs.configure(LogConfig(level, form), stream)
    return stream


def _events(stream: io.StringIO) -> list[dict[str, Any]]:
    """Return the lines of the stream, each of which must be a JSON object, without their time."""
    return [
        {key: value for key, value in json.loads(line).items() if key != "timestamp"}
        for line in stream.getvalue().splitlines()
    ]


@contextmanager
def _request_fields(**fields: str) -> Iterator[None]:
    token = logs.REQUEST_FIELDS.set(fields)
    yield
    logs.REQUEST_FIELDS.reset(token)


def _fail(text: str = "second") -> None:
    raise ValueError(text) from KeyError("first")


HOSTILE = {
    "line ends": 'a\nb\r\nc\x0b\x85\u2028{"event": "forged"}',
    "escapes": '\x1b[31mred\x1b[0m\x00\\"\t',
    "lone surrogates": "\ud800 \udfff",
    "emoji": "\U0001f469\u200d\U0001f680",
    "bidirectional": "a\u202eb\u2066c\u200f",
    "delete": "a\x7fb",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("logger", ["structlog", "standard library"])
def test_hostile_text_stays_in_its_line(logger: str, text: str) -> None:
    """An event is one line of ASCII JSON that decodes to the logged text, whatever that contains."""
    stream = _stream()
    if logger == "structlog":
        structlog.get_logger().info("thing_happened", text=text)
        expected = {"event": "thing_happened", "level": "info", "text": text}
    else:
        logging.getLogger("some.library").info("%s", text)
        expected = {"event": text, "level": "info"}

    assert _events(stream) == [expected]
    assert stream.getvalue().isascii()
    assert stream.getvalue()[:-1].isprintable()


def test_event_carries_level_time_and_context() -> None:
    """An event has its level, its time in UTC and the fields bound to its context."""
    stream = _stream()
    with _request_fields(request_id="r1"):
        structlog.get_logger().warning("thing_happened", size_bytes=3)
        logging.getLogger("some.library").error("said %s", "no")

    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    times = [event.pop("timestamp") for event in events]
    assert events == [
        {"event": "thing_happened", "level": "warning", "request_id": "r1", "size_bytes": 3},
        {"event": "said no", "level": "error", "request_id": "r1"},
    ]
    assert all(time.endswith("Z") for time in times)


@pytest.mark.parametrize("logger", ["structlog", "standard library"])
def test_exception_is_one_line(logger: str) -> None:
    """An exception is part of its event, traceback and cause included."""
    stream = _stream()
    try:
        _fail()
    except ValueError:
        if logger == "structlog":
            structlog.get_logger().exception("thing_failed")
        else:
            logging.getLogger("some.library").exception("thing_failed")

    (event,) = _events(stream)
    trace = event.pop("exception")
    assert event == {"event": "thing_failed", "level": "error"}
    assert trace.endswith("ValueError: second")
    assert "KeyError: 'first'" in trace
    assert trace.endswith("ValueError: second")


def test_value_that_json_lacks_is_described() -> None:
    """A value that JSON cannot represent is logged as its repr."""
    stream = _stream()
    structlog.get_logger().info("thing_happened", what={1}, raw=b"\xff")

    assert _events(stream) == [
        {"event": "thing_happened", "level": "info", "what": "{1}", "raw": "b'\\xff'"}
    ]


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_level_is_the_lowest_that_is_written(level: Level) -> None:
    """Events below the configured level are dropped, structlog's and foreign ones alike."""
    stream = _stream(level)
    levels: tuple[Level, ...] = ("debug", "info", "warning", "error")
    for name in levels:
        getattr(structlog.get_logger(), name)("own")
        getattr(logging.getLogger("some.library"), name)("foreign")

    assert [(event["event"], event["level"]) for event in _events(stream)] == [
        (event, name) for name in levels[levels.index(level) :] for event in ("own", "foreign")
    ]


@pytest.mark.parametrize("name", logs.QUIET_LOGGERS)
@pytest.mark.parametrize(
    ("level", "spoken"),
    [("debug", ["warning", "error"]), ("error", ["error"])],
    ids=["at debug", "at error"],
)
def test_library_logs_from_warning_upwards(name: str, level: Level, spoken: list[str]) -> None:
    """A network library logs nothing below warning, and keeps a higher configured level."""
    stream = _stream(level)
    logger = logging.getLogger(f"{name}.part")
    for method in (logger.debug, logger.info, logger.warning, logger.error):
        method("said")

    assert [event["level"] for event in _events(stream)] == spoken


async def test_password_is_never_printed(own_local_aws: LocalAws) -> None:
    """Even at debug, a call to AWS logs neither its password nor the tokens of the response."""
    stream = _stream("debug")
    config = configured({"aws.cognito": {"endpoint-url": own_local_aws.endpoint_url}})
    username = new_user()
    async with open_clients(config, CREDENTIALS) as clients:
        cognito = clients.cognito
        pool_id = (await cognito.create_user_pool(PoolName=username))["UserPool"]["Id"]
        app = await cognito.create_user_pool_client(
            UserPoolId=pool_id,
            ClientName=username,
            ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH"],
        )
        client_id = app["UserPoolClient"]["ClientId"]
        await cognito.sign_up(ClientId=client_id, Username=username, Password=PASSWORD)
        await cognito.admin_confirm_sign_up(UserPoolId=pool_id, Username=username)
        tokens = await cognito.admin_initiate_auth(
            UserPoolId=pool_id,
            ClientId=client_id,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": username, "PASSWORD": PASSWORD},
        )
    structlog.get_logger().debug("done")
    await asyncio.sleep(0)  # lines are written at the end of an iteration of the loop

    assert [event["event"] for event in _events(stream)] == ["done"]
    assert PASSWORD not in stream.getvalue()
    assert tokens["AuthenticationResult"]["AccessToken"] not in stream.getvalue()


def test_console_format_is_readable_text() -> None:
    """The console format is a readable line, without colours where there is no terminal."""
    stream = _stream(form="console")
    structlog.get_logger().info("thing_happened", text='a\n{"event": "forged"}')
    logging.getLogger("some.library").warning("said")

    own, foreign = stream.getvalue().splitlines()
    assert "[info     ] thing_happened" in own
    assert own.endswith("""text='a\\n{"event": "forged"}'""")
    assert foreign.endswith("[warning  ] said")
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize("text", [*HOSTILE.values(), "a\u202eb\u2066c\x07\x7f\x9b31m"])
@pytest.mark.parametrize("logger", ["structlog", "standard library"])
def test_console_escapes_text_that_controls_a_terminal(logger: str, text: str) -> None:
    """A terminal gets one line, without control, bidirectional or other formatting characters."""
    stream = _stream(form="console")
    if logger == "structlog":
        structlog.get_logger().info(text, text=text, other=[text], **{text: Hostile(text)})
    else:
        logging.getLogger("some.library").info("%s", text)

    shown = stream.getvalue()
    assert shown.endswith("\n")
    assert shown[:-1].isprintable()


class Hostile:
    """An object whose repr is hostile text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def test_console_escapes_the_text_of_an_exception() -> None:
    """A traceback keeps its lines; the message of the exception is escaped."""
    stream = _stream(form="console")
    try:
        _fail("\x1b[2J\u202e\x07")
    except ValueError:
        structlog.get_logger().exception("thing_failed")

    lines = stream.getvalue().splitlines()
    assert all(line.isprintable() for line in lines)
    assert lines[-1] == "ValueError: \\x1b[2J\\u202e\\x07"


def test_console_is_coloured_on_a_terminal() -> None:
    """On a terminal the console format has colours."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    logs.configure(LogConfig("info", "console"), stream)
    structlog.get_logger().info("thing_happened")

    assert "\x1b[" in stream.getvalue()


def test_console_prints_an_exception_plainly() -> None:
    """The console format prints a traceback as Python does, without a warning."""
    stream = _stream(form="console")
    try:
        _fail()
    except ValueError:
        structlog.get_logger().exception("thing_failed")

    assert "Traceback (most recent call last):" in stream.getvalue()
    assert stream.getvalue().rstrip().endswith("ValueError: second")


def test_configuring_again_replaces() -> None:
    """Configured again, the log goes to the new stream alone, each event once."""
    first = _stream()
    second = _stream()
    structlog.get_logger().info("thing_happened")

    assert first.getvalue() == ""
    assert len(_events(second)) == 1


def test_identities_are_hashed_where_the_setting_says_so() -> None:
    """Equal identities have equal hashes, which do not reveal them."""
    stream = io.StringIO()
    logs.configure(LogConfig("info", "json", "hashed", "k" * 16), stream)
    who = {"sub": "alice", "account": "alice", "address": "192.0.2.1", "peer": None}

    structlog.get_logger().info("signed_in", route="/", **who)
    structlog.get_logger().info("signed_in", sub="bob")

    first, second = _events(stream)
    assert "alice" not in stream.getvalue()
    assert "192.0.2.1" not in stream.getvalue()
    assert first["sub"] == first["account"] != first["address"]
    assert second["sub"] != first["sub"]
    # HMAC-SHA256 of "alice" under the key, computed with openssl
    assert first["sub"] == ("c9a07ff6d5dfe8bf9682e2d91834b7b1ee1768c205551f8bc6b2b3640e52e21b")
    assert (first["peer"], first["route"], first["event"]) == (None, "/", "signed_in")


def test_identities_are_plain_by_default() -> None:
    """Without the setting, identities are logged as they are."""
    stream = _stream()

    structlog.get_logger().info("signed_in", sub="alice")

    assert _events(stream) == [{"event": "signed_in", "level": "info", "sub": "alice"}]


def test_event_with_its_fields_in_a_dictionary_is_the_same_line() -> None:
    """`log_event` writes the line of structlog's loggers, with the fields in the same order."""
    stream = _stream()
    log = logs.BoundLogger()
    fields = {"peer": "192.0.2.1", "status": 200}

    with _request_fields(request_id="1"):
        log().info("request_finished", **fields)
        log.log_event("request_finished", "info", {**fields})

    one, other = ([*json.loads(line).items()] for line in stream.getvalue().splitlines())
    assert one[:-1] == other[:-1]
    assert [name for name, _ in one] == [name for name, _ in other]


def test_event_below_the_level_is_not_written() -> None:
    """`log_event` obeys the configured level."""
    stream = _stream("info")

    logs.BoundLogger().log_event("request_finished", "debug", {})

    assert stream.getvalue() == ""
