"""Rounds give every case its turn, and compare it with the floors beside it."""

import itertools
from http import HTTPStatus

import pytest

from bench import rounds, table
from bench.cases import CASES, FLOOR, Case
from bench.load.outcome import Outcome
from bench.rounds import Run, Sample

OTHERS = [case for case in CASES if case is not FLOOR]


def _run(case: Case, cpu_us: float) -> Run:
    return Run(case, Outcome(1_000, 2_000_000, 0, 0, 0, 0, 10, 20, 30), cpu_us)


def _sample(floors: float, *, connections: int = 64, number: int = 0) -> Sample:
    return Sample("GET warm", connections, number, 1_000, floors * 40, floors, 500, 10, 20, 30)


@pytest.mark.parametrize("number", range(len(OTHERS)))
def test_every_case_stands_between_two_floors(number: int) -> None:
    """In every round each case has one turn, with a floor before and after it not far away."""
    order = rounds.in_order(OTHERS, number)
    places = [place for place, case in enumerate(order) if case is FLOOR]

    assert sorted(case.name for case in order if case is not FLOOR) == sorted(
        case.name for case in OTHERS
    )
    assert (places[0], places[-1]) == (0, len(order) - 1)
    assert all(
        1 < after - before <= rounds.FLOOR_EVERY + 1 for before, after in itertools.pairwise(places)
    )


def test_rounds_begin_with_different_cases() -> None:
    """No case always comes first, or always after the same."""
    assert len({rounds.in_order(OTHERS, number)[1].name for number in range(3)}) == 3


def test_cost_is_compared_with_the_floors_around_it() -> None:
    """A case is divided by the mean of the floors just before and just after it."""
    one, two, three = OTHERS[:3]
    runs = [
        _run(FLOOR, 30),
        _run(one, 200),
        _run(two, 80),
        _run(FLOOR, 50),
        _run(three, 110),
        _run(FLOOR, 60),
    ]

    found = {sample.case: sample.floors for sample in rounds.samples(runs, 64, 0)}

    assert found == {FLOOR.name: 1, one.name: 5, two.name: 2, three.name: 2}


def test_row_has_median_and_range() -> None:
    """A case at one number of connections is one row, whatever the rounds gave."""
    samples = [_sample(9), _sample(4, number=1), _sample(5, number=2), _sample(7, connections=1)]
    many, one = table.rows(samples)

    assert (many.connections, many.rounds, one.connections, one.rounds) == (64, 3, 1, 1)
    assert many.floors == table.Range(5, 4, 9)
    assert many.cpu_us == table.Range(200, 160, 360)


def test_overview_has_a_column_for_each_number_of_connections() -> None:
    """A case that was not measured at some number of connections has an empty cell there."""
    rows = table.rows([_sample(4, connections=1), _sample(5)])

    assert table.overview(rows, ["GET warm", "POST"]).splitlines() == [
        "| CPU in floors | 1 conn.       | 64 conn.      |",
        "| ------------- | ------------- | ------------- |",
        "| GET warm      | 4.0 (4.0-4.0) | 5.0 (5.0-5.0) |",
        "| POST          |               |               |",
    ]


def test_details_have_every_row() -> None:
    """Details are sorted by connections, then by the order of the cases."""
    rows = table.rows([_sample(5), _sample(4, connections=1)])
    _, _, first, second = table.details(rows, ["GET warm"]).splitlines()

    assert first.split("|")[1:4] == [" 1     ", " GET warm ", " 160    "]
    assert second.split("|")[1:4] == [" 64    ", " GET warm ", " 200    "]


def test_cases_have_names_of_their_own() -> None:
    """No two rows of the table have one name, and a creation is the one that answers 201."""
    names = [case.name for case in CASES]

    assert len(names) == len(set(names))
    assert [case.name for case in CASES if case.status != HTTPStatus.OK] == ["POST new"]
