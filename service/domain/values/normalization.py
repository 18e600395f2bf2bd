"""Unicode normalization in linear time."""

import unicodedata
from typing import Final

# UAX #15, section 13 (Stream-Safe Text Format). The time to normalize a run of combining marks grows
# with the square of its length.
MAX_MARKS: Final = 30
# Of combining class 0, but their decompositions consist of combining marks.
_MARKS_OF_CLASS_0: Final = str.maketrans(dict.fromkeys("\u0f73\u0f75\u0f81", "\u0f71"))


def is_stream_safe(text: str) -> bool:
    """Return whether *text* has at most MAX_MARKS combining marks (non-starters) in a row."""
    if len(text) <= MAX_MARKS:
        return True
    classes = bytes(map(unicodedata.combining, text.translate(_MARKS_OF_CLASS_0)))
    return max(map(len, classes.split(b"\0"))) <= MAX_MARKS


def caseless_form(text: str) -> str:
    """
    Return the form that is equal for texts which differ only in case or compatibility characters.

    A text that is not stream-safe is returned unchanged.
    """
    if text.isascii() or is_stream_safe(text):
        return unicodedata.normalize("NFKC", text).casefold()
    return text
