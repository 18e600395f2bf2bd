"""Unicode normalization in time that is proportional to the length of a text."""

import unicodedata
from typing import Final

# UAX #15, section 13: the bound of the Stream-Safe Text Format. Normalizing takes time that grows with
# the square of the number of combining marks in a row.
MAX_MARKS: Final = 30
# Of combining class 0, but their decompositions consist of combining marks.
_MARKS_OF_CLASS_0: Final = str.maketrans(dict.fromkeys("\u0f73\u0f75\u0f81", "\u0f71"))


def is_stream_safe(text: str) -> bool:
    """Tell whether *text* has no more than MAX_MARKS combining marks (non-starters) in a row."""
    if len(text) <= MAX_MARKS:
        return True
    classes = bytes(map(unicodedata.combining, text.translate(_MARKS_OF_CLASS_0)))
    return max(map(len, classes.split(b"\0"))) <= MAX_MARKS


def caseless_form(text: str) -> str:
    """
    Return what *text* has in common with texts that differ by case or by compatible characters.

    A text that is not stream-safe is returned as it is: only an equal one has anything in common with it.
    """
    if text.isascii() or is_stream_safe(text):
        return unicodedata.normalize("NFKC", text).casefold()
    return text
