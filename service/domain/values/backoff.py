"""The pauses between the attempts of one caller."""

import random


def pause_s(attempt: int, *, first_s: float, longest_s: float) -> float:
    """
    Return a random pause of at most *first_s* times two to the power of *attempt*, and *longest_s*.

    This is exponential backoff with full jitter.
    """
    bound_s = min(longest_s, first_s * 2**attempt)
    return random.uniform(0, bound_s)  # noqa: S311 -- jitter, not security
