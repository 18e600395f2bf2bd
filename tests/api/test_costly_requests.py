"""
Requests that would take much CPU time are refused before they do.

Work is measured as CPU time of the process, which does not depend on other load. Without
the limits, each of these requests takes between one and thirty seconds.
"""

import gzip
import json
import time

import pytest

from service.api.schemas.profile_fields import country, language_tag, time_zone
from service.app import Adapters, create_app
from service.server.protocol import Protocol
from service.server.runner import RECEIVE_BUFFER_BYTES
from tests.api.raw_http import Answer, exchange, serving
from tests.support.configs import configured, opening

MOST_CPU_S = 0.5
ALICE = "x-amzn-oidc-identity: alice"
JSON = "Content-Type: application/json"
UNSORTED_MARKS = "a" + "\u0301" * 65_000 + "\u0327" * 65_000


def _request(method: str, path: str, *headers: str, body: bytes = b"{}") -> bytes:
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    return "\r\n".join((*head, *headers, "", "")).encode("latin-1") + body


async def _answered(memory: Adapters, request: bytes) -> tuple[Answer, float]:
    """Send the request to a running service; return the response and its CPU time."""
    async with serving(create_app(configured(), opening(memory))) as port:
        begun_s = time.process_time()
        heard = await exchange(port, request)
        used_s = time.process_time() - begun_s
    (answer,) = heard.answers
    return answer, used_s


def _challenge(answer: object) -> bytes:
    given = {"name": "WEB_AUTHN", "session": "s", "username": "u", "answer": answer}
    return json.dumps(given, ensure_ascii=False).encode()


async def test_marks_in_a_compressed_credential_cost_nothing(memory: Adapters) -> None:
    """373 bytes that inflate to 130,000 combining marks are refused before they are normalized."""
    body = gzip.compress(_challenge({"credential": {"id": UNSORTED_MARKS}}), mtime=0)
    assert len(body) < 500

    answer, cpu_s = await _answered(
        memory,
        _request("POST", "/api/auth/challenge", JSON, "Content-Encoding: gzip", body=body),
    )

    assert answer.status in {413, 422}
    assert cpu_s < MOST_CPU_S


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/user/profile", {"displayName": UNSORTED_MARKS}),
        ("/v1/user/profile", {"bio": UNSORTED_MARKS}),
        ("/v1/user/profile", {"country": UNSORTED_MARKS}),
        ("/v1/user/profile", {"email": f"{UNSORTED_MARKS}@example.com"}),
        ("/v1/user/profile", {"website": f"https://{UNSORTED_MARKS}.com"}),
        ("/v1/user/profile", {"preferences": {UNSORTED_MARKS: 1}}),
        ("/v1/user/profile", {"preferences": {"a": [UNSORTED_MARKS]}}),
        ("/api/auth/login", {"username": UNSORTED_MARKS, "password": "p"}),
        ("/api/auth/resend", {"username": UNSORTED_MARKS}),
    ],
    ids=["line", "paragraphs", "country", "email", "url", "name", "value", "login", "resend"],
)
async def test_marks_in_any_text_cost_nothing(
    memory: Adapters, path: str, fields: dict[str, object]
) -> None:
    """No text is normalized before its length and its combining marks are checked."""
    body = json.dumps(fields, ensure_ascii=False).encode()

    answer, cpu_s = await _answered(memory, _request("POST", path, JSON, ALICE, body=body))

    assert (answer.status, answer.code) == (422, "invalid_fields")
    assert cpu_s < MOST_CPU_S


@pytest.mark.parametrize(
    "parameters",
    [";" * 20_000, ";" + '"' * 20_000, ";a=b" * 5_000, ";charset" + "(" * 20_000],
    ids=["semicolons", "quotes", "parameters", "comments"],
)
async def test_long_content_type_costs_nothing(memory: Adapters, parameters: str) -> None:
    """20 KB of media type parameters are parsed in linear time."""
    request = _request("POST", "/api/auth/resend", f"Content-Type: application/json{parameters}")

    answer, cpu_s = await _answered(memory, request)

    assert (answer.status, answer.code) == (415, "unsupported_media_type")
    assert cpu_s < MOST_CPU_S


@pytest.mark.parametrize("opening_brackets", [250, 20_000])
async def test_nested_comments_in_a_content_type_are_no_failure(
    memory: Adapters, opening_brackets: int
) -> None:
    """A deeply nested media type is refused, not a 500."""
    request = _request("POST", "/api/auth/resend", f"Content-Type: {'(' * opening_brackets}")

    answer, _ = await _answered(memory, request)

    assert answer.status == 415


@pytest.mark.parametrize("year", ["99999999999", "9" * 200])
async def test_date_of_no_calendar_is_ignored(memory: Adapters, year: str) -> None:
    """If-Unmodified-Since with an impossible year is ignored."""
    date = f"If-Unmodified-Since: Mon, 01 Jan {year} 00:00:00 GMT"
    request = _request("PUT", "/v1/user/profile", JSON, ALICE, date)

    answer, _ = await _answered(memory, request)

    assert answer.status == 201


def _in_chunks(body: bytes) -> bytes:
    return b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"


MAX_READ_BYTES = 2 * RECEIVE_BUFFER_BYTES  # Linux doubles SO_RCVBUF: socket(7)
CHUNKED = (
    b"PUT /v1/user/profile HTTP/1.1\r\nHost: localhost\r\nx-amzn-oidc-identity: alice\r\n"
    b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
)


@pytest.mark.parametrize(
    "parts",
    [
        (CHUNKED + _in_chunks(b"{}" + b" " * 40_000),),
        (CHUNKED, _in_chunks(b"{}" + b" " * 40_000)),
        (CHUNKED + b"2\r\n{}\r\n", _in_chunks(b" " * 40_000)),
    ],
    ids=["at once", "after the header", "later"],
)
async def test_body_in_chunks_of_a_byte_is_parsed_a_part_at_a_time(
    memory: Adapters, monkeypatch: pytest.MonkeyPatch, parts: tuple[bytes, ...]
) -> None:
    """The parser gets at most what the kernel buffers for a connection, however much is sent at once."""
    sizes_bytes = []
    read = Protocol.data_received

    def recorded(protocol: Protocol, data: bytes) -> None:
        sizes_bytes.append(len(data))
        read(protocol, data)

    monkeypatch.setattr(Protocol, "data_received", recorded)
    async with serving(create_app(configured(), opening(memory))) as port:
        heard = await exchange(port, *parts)

    (answer,) = heard.answers
    assert answer.status == 201
    assert sum(sizes_bytes) > 4 * MAX_READ_BYTES
    assert max(sizes_bytes) <= MAX_READ_BYTES


async def test_body_of_many_lines_is_taken(memory: Adapters) -> None:
    """A body with each value and bracket on its own line is accepted."""
    preferences = {f"n{number}": [number] for number in range(990)}
    body = json.dumps({"preferences": preferences}, indent=0).replace("\n", "\r\n").encode()

    answer, _ = await _answered(memory, _request("PUT", "/v1/user/profile", JSON, ALICE, body=body))

    assert answer.status == 201


async def test_tables_are_read_before_the_first_request(memory: Adapters) -> None:
    """The lists of countries, languages and time zones are loaded when the application is created."""
    for table in (country._known, language_tag._registry, time_zone._names):  # noqa: SLF001 -- not observable otherwise
        table.cache_clear()

    create_app(configured(), opening(memory))

    for table in (country._known, language_tag._registry, time_zone._names):  # noqa: SLF001 -- likewise
        assert table.cache_info().currsize == 1
