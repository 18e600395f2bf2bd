"""Generators of load send what they are told, and report what came back."""

from pathlib import Path

import pytest

from bench import profiles, traffic
from bench.load import asyncio_load, generator
from bench.load.generator import Load
from bench.load.outcome import Outcome


def test_requests_survive_their_file(tmp_path: Path) -> None:
    """What is written for a generator is what it reads."""
    requests = [*traffic.reads_of_known_users(), *traffic.merges(), *traffic.logins()]
    traffic.write(requests, tmp_path / "requests")

    assert traffic.read(tmp_path / "requests") == requests


def test_new_users_have_numbers_of_their_own() -> None:
    """A request for ever new users never names one twice, and stays as long as it was."""
    (request,) = traffic.creations()
    sent = asyncio_load.in_turn([request], profiles.UNSEEN_FROM)
    first, second = next(sent), next(sent)

    assert f"{profiles.HAS_NONE}000100000000".encode() in first
    assert f"{profiles.HAS_NONE}000100000001".encode() in second
    assert len(first) == len(second) == len(request)


def test_known_users_come_in_turn() -> None:
    """A request that names its user is sent as it is, over and over."""
    requests = traffic.reads_of_known_users()
    sent = asyncio_load.in_turn(requests, profiles.UNSEEN_FROM)

    assert [next(sent) for _ in range(len(requests) + 1)] == [*requests, requests[0]]


@pytest.mark.parametrize("connections", [1, 3])
async def test_every_answer_is_counted(dynamodb_port: int, connections: int) -> None:
    """At least one request is sent on every connection; a 404 is a refusal, a 200 is none."""
    found = b"POST / HTTP/1.1\r\nx-amz-target: X.GetItem\r\nContent-Length: 2\r\n\r\n{}"
    absent = b"GET / HTTP/1.1\r\n\r\n"
    outcomes = [
        await asyncio_load.load(
            asyncio_load.in_turn([request], 0),
            port=dynamodb_port,
            connections=connections,
            seconds=0,
        )
        for request in (found, absent)
    ]

    assert [outcome.requests for outcome in outcomes] == [connections] * 2
    assert [outcome.refused for outcome in outcomes] == [0, connections]
    assert [(outcome.broken, outcome.late) for outcome in outcomes] == [(0, 0)] * 2


def test_quantiles_are_of_what_was_measured() -> None:
    """A quantile is one of the values; of none it is 0."""
    ordered_s = [number / 1_000 for number in range(1, 101)]

    assert asyncio_load.quantile_us(ordered_s, 0.5) == 51_000
    assert asyncio_load.quantile_us(ordered_s, 0.99) == 100_000
    assert asyncio_load.quantile_us(ordered_s, 1) == 100_000
    assert asyncio_load.quantile_us([], 0.5) == 0


def test_outcome_is_the_last_line() -> None:
    """The generator wrk prints a report of its own before the line that counts."""
    printed = (
        "Running 2s test @ http://127.0.0.1:1\nRequests/sec: 1\n"
        '{"requests":9,"duration_us":8,"bytes":7,"refused":6,"broken":5,"late":1,'
        '"p50_us":4,"p99_us":3,"max_us":2}\n'
    )

    assert Outcome.parsed(printed) == Outcome(9, 8, 7, 6, 5, 1, 4, 3, 2)


def test_generator_gets_its_load() -> None:
    """Whatever generator this machine has is told where to send what, and how much of it."""
    words = " ".join(generator.command(Load(8_080, Path("some.requests"), 64, 2, 4_711)))

    assert all(part in words for part in ("8080", "some.requests", "64", "2", "4711"))
