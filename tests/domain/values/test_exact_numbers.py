"""Numbers of many digits keep all of them."""

from decimal import Decimal

import pytest

from service.domain.values.exact_numbers import exact_number

LONG = "0.1234567890123456789"


def test_number_that_a_float_represents_is_a_float() -> None:
    """A number whose digits a float keeps is a float, however it is written."""
    assert [type(exact_number(text)) for text in ("1.50", "1e22", "-0.0")] == [float] * 3


def test_number_that_no_float_represents_keeps_all_digits() -> None:
    """Its text has all significant digits and no trailing zeros."""
    assert repr(exact_number(f"{LONG}00")) == repr(Decimal(LONG))


def test_numbers_with_the_same_nearest_float_differ() -> None:
    """Two numbers that a float cannot distinguish are unequal, and unequal to that float."""
    number, other = exact_number(LONG), exact_number(f"{LONG}1")

    assert float(number) == float(other)
    assert number != other
    assert float(number) != number


def test_number_of_a_thousand_digits_is_not_rounded() -> None:
    """The default precision of Decimal, 28 digits, does not apply."""
    text = "0." + "1" * 1_000
    assert str(exact_number(text)) == text


def test_exponent_out_of_range_is_an_error() -> None:
    """An exponent of more than 18 digits raises ArithmeticError."""
    with pytest.raises(ArithmeticError):
        exact_number("1e-99999999999999999999")
