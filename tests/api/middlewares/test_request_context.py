"""The request id, the log line and the common headers of each request."""

import re

import pytest
from structlog.testing import capture_logs

from service.observability import logs as log
from tests.api.conftest import ALICE, Api

GENERATED = re.compile(r"[0-9a-f]{32}")


async def test_request_id_of_the_caller_is_kept(api: Api) -> None:
    """A request id from the caller is used in the response and in the log."""
    with capture_logs() as logs:
        answer = await api.get("/health/live", headers={"X-Request-Id": "a-1_B.2"})

    assert answer.headers["X-Request-Id"] == "a-1_B.2"
    assert [line["event"] for line in logs] == ["request_finished"]


async def test_trace_of_the_load_balancer_is_in_every_line(api: Api) -> None:
    """The load balancer's trace id is logged beside the request id unless it is malformed."""
    trace = "Root=1-67891233-abcdef012345678912345678"
    with capture_logs(processors=[log.CommonFields()]) as logs:
        await api.get("/health/live", headers={"X-Amzn-Trace-Id": trace})
        await api.get("/health/live", headers={"X-Amzn-Trace-Id": "a b"})

    assert [line.get("trace_id") for line in logs] == [trace, None]
    assert all(GENERATED.fullmatch(line["request_id"]) for line in logs)


@pytest.mark.parametrize("sent", ["", "a b", "é", "x" * 129, '{"a":1}', "a;b"])
async def test_unfit_request_id_is_replaced(api: Api, sent: str) -> None:
    """A request id that could forge a log line or a header is replaced."""
    answer = await api.get("/health/live", headers={"X-Request-Id": sent})

    assert GENERATED.fullmatch(answer.headers["X-Request-Id"])


async def test_request_id_sent_twice_is_replaced(api: Api) -> None:
    """Two request ids are replaced by a new one."""
    headers = [("X-Request-Id", "a"), ("X-Request-Id", "b")]

    answer = await api.get("/health/live", headers=headers)

    assert GENERATED.fullmatch(answer.headers["X-Request-Id"])


@pytest.mark.parametrize(
    ("path", "cache"),
    [
        ("/health/live", "no-store"),
        ("/nothing", "no-store"),
        ("/v1/user/profile", "no-store"),
        ("/docs", "no-cache, no-transform"),
    ],
)
async def test_every_answer_has_the_safe_headers(api: Api, path: str, cache: str) -> None:
    """Responses are not stored by default, not sniffed, not embedded, and reveal no version."""
    answer = await api.get(path)

    assert answer.headers["Cache-Control"] == cache
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer.headers["Server"] == "user-profile-service"


async def test_request_has_one_log_line(api: Api) -> None:
    """The log line has the route and not the path, and the caller with the source."""
    with capture_logs() as logs:
        await api.post("/v1/user/profile?token=SECRET", json={"city": "Mumbai"}, headers=ALICE)

    (line,) = logs
    assert line["event"] == "request_finished"
    assert (line["method"], line["route"], line["status"]) == ("POST", "/v1/user/profile", 201)
    assert (line["sub"], line["identity_source"]) == ("alice", "header")
    assert line["peer"] == "127.0.0.1"
    assert line["duration_ms"] > 0
    assert "SECRET" not in str(line)
    assert "code" not in line


async def test_line_of_a_refusal_has_its_code(api: Api) -> None:
    """The log line of an error has its code, and no route if there is none."""
    with capture_logs() as logs:
        await api.get("/nothing/SECRET")

    (line,) = logs
    assert (line["status"], line["code"], line["route"]) == (404, "route_not_found", None)
    assert "SECRET" not in str(line)
