"""Numbers with more digits than a float keeps: none is rounded on its way through the service."""

from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Final, Self

SHORT: Final = 16  # characters with a point: so many digits (15, C's DBL_DIG) every float keeps
_WITHOUT_ROUNDING: Final = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)


class LongNumber(float):
    """
    A number that no float is: it counts as the nearest one, and its repr has all of its digits.

    It equals a number of the same digits and no other.
    """

    __slots__ = ("exact",)
    exact: Decimal

    def __new__(cls, exact: Decimal) -> Self:
        """Return *exact* as a float that knows it."""
        made = super().__new__(cls, exact)
        made.exact = exact.normalize(_WITHOUT_ROUNDING)
        return made

    def __repr__(self) -> str:
        return str(self.exact)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LongNumber) and self.exact == other.exact

    def __ne__(self, other: object) -> bool:  # a float has one of its own
        return not self == other

    def __hash__(self) -> int:
        return hash(self.exact)

    def is_integer(self) -> bool:
        """Tell that it is none, though the nearest float may be."""
        return False


def exact_float(text: str) -> float:
    """
    Return the number that *text* is, a float where that is the same.

    Raises ArithmeticError where its exponent has more than 18 digits, and no computer such a number.
    """
    nearest = float(text)
    if len(text) <= SHORT and "e" not in text and "E" not in text:
        return nearest
    exact = Decimal(text)
    return nearest if Decimal(repr(nearest)) == exact else LongNumber(exact)
