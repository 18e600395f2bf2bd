"""Numbers of many digits are what they are."""

from decimal import Decimal

import pytest

from service.domain.exact_numbers import LongNumber, exact_float

LONG = "0.1234567890123456789"


def test_number_that_a_float_is_stays_one() -> None:
    """What a float keeps is a plain float, however it was written."""
    assert [type(exact_float(text)) for text in ("1.50", "1e22", "-0.0")] == [float] * 3


def test_number_that_no_float_is_has_all_digits() -> None:
    """Its text has each digit that counts, and no zero behind them."""
    assert repr(exact_float(f"{LONG}00")) == LONG


def test_long_numbers_are_equal_by_all_digits() -> None:
    """Two that a float can't tell apart differ, and neither is the float between them."""
    number, other = exact_float(LONG), exact_float(f"{LONG}1")

    assert float(number) == float(other)
    assert number != other
    assert float(number) != number
    assert {number, exact_float(f"{LONG}0")} == {LongNumber(Decimal(LONG))}
    assert not number.is_integer()


def test_exponent_beyond_computing_is_an_error() -> None:
    """No number comes of an exponent that no computer takes."""
    with pytest.raises(ArithmeticError):
        exact_float("1e-99999999999999999999")
