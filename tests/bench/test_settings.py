"""The environment says how much is measured."""

import pytest

from bench.settings import MODES, Settings


def test_mode_stands_where_the_environment_is_silent() -> None:
    """Without variables a mode is as it is."""
    assert Settings.read("full", {}) == MODES["full"]


def test_environment_overrides() -> None:
    """Every part of a mode has its variable."""
    settings = Settings.read(
        "quick",
        {
            "BENCH_CASES": "GET *, login",
            "BENCH_CONNECTIONS": "1 8",
            "BENCH_ROUNDS": "3",
            "BENCH_SECONDS": "5",
            "BENCH_TAIL_SECONDS": "20",
            "BENCH_KNOWN_USERS": "1000",
            "BENCH_DELAY_MS": "4.5",
        },
    )
    names = [case.name for case in settings.cases]

    assert names[0] == "floor"
    assert {"GET warm", "GET bearer", "login"} <= set(names)
    assert "POST" not in names
    assert (settings.connections, settings.rounds, settings.seconds) == ((1, 8), 3, 5)
    assert (settings.tail_s, settings.known_users, settings.delay_ms) == (20, 1_000, 4.5)


def test_unknown_case_is_named() -> None:
    """A pattern that no case has stops the measurement before it begins."""
    with pytest.raises(ValueError, match="no case is named PUT"):
        Settings.read("full", {"BENCH_CASES": "PUT"})
