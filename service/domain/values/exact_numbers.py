"""Numbers from decimal text without rounding."""

from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Final

SHORT: Final = 16  # characters with the point: a float keeps 15 digits (C's DBL_DIG)
_WITHOUT_ROUNDING: Final = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)


def exact_number(text: str) -> float | Decimal:
    """
    Return the number in *text*: a float whose repr has all of its digits, otherwise a Decimal.

    A Decimal has no trailing zeros. Raises ArithmeticError for an exponent of more than 18 digits.
    """
    nearest = float(text)
    if len(text) <= SHORT and "e" not in text and "E" not in text:
        return nearest
    exact = Decimal(text)
    return nearest if Decimal(repr(nearest)) == exact else exact.normalize(_WITHOUT_ROUNDING)
