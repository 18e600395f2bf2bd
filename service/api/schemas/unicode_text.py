"""What of Unicode a text of this service may hold, and the one form in which it is kept."""

import re
import unicodedata
from typing import Final

from marshmallow import ValidationError

from service.domain.normalization import MAX_MARKS, is_stream_safe

# Ranges for a character class, written so that Python and ECMA-262 read them alike.
SPACES: Final = r" \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"  # category Zs
# Of the basic plane: controls but tab, line feed and carriage return, and noncharacters.
NOT_IN_TEXT: Final = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufdd0-\ufdef\ufffe\uffff"
# All controls, separators of lines and paragraphs, embeddings, overrides and isolates of the writing
# direction, which make a text look like another one (UTR 36, section 2.4), and noncharacters. Marks of
# the direction, such as U+200F, do no harm and are needed.
NOT_IN_A_LINE: Final = (
    r"\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff"
)

_CONTROL: Final = re.compile(r"[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]")
_CONTROL_OR_BREAK: Final = re.compile(r"[\u0000-\u001f\u007f-\u009f\u2028\u2029]")
_DIRECTION_CONTROL: Final = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_NO_CHARACTER: Final = re.compile(
    r"[\ud800-\udfff\ufdd0-\ufdef"
    + "".join(rf"\U{plane:04x}fffe\U{plane:04x}ffff" for plane in range(17))
    + "]"
)
# Letters and a symbol that show nothing: the Hangul fillers, Khmer's inherent vowels, Braille's blank.
_BLANK: Final = frozenset("\u115f\u1160\u3164\uffa0\u17b4\u17b5\u2800")

# One code point is the canonical composition of at most so many, so a text in Normalization Form C has
# at least a quarter of its code points (UAX #15, section 9, and U+1F82, for one).
MAX_COMPOSED: Final = 4


def normal_form(text: str) -> str:
    """
    Return *text* in Unicode's Normalization Form C; what looks and means the same is the same.

    Raises ValidationError where it has more than MAX_MARKS combining marks in a row. Takes time that is
    proportional to the length of *text*, which the caller bounds.
    """
    if text.isascii():
        return text
    if not is_stream_safe(text):
        raise ValidationError(f"Must not hold more than {MAX_MARKS} combining marks in a row.")
    return unicodedata.normalize("NFC", text)


def fault(text: str) -> str | None:
    """Say what *text* holds that no text may; tabs and line ends are no fault."""
    if text.isascii() and text.isprintable():
        return None
    if _CONTROL.search(text):
        return "Must not hold control characters other than tabs and line ends."
    if _NO_CHARACTER.search(text):
        return "Must not hold surrogates or code points that Unicode sets aside as no characters."
    return None


def fault_of_a_line(text: str) -> str | None:
    """Say what *text* holds that a text of one line may not."""
    if text.isascii() and text.isprintable():
        return None
    if _CONTROL_OR_BREAK.search(text):
        return "Must be one line without control characters."
    if _DIRECTION_CONTROL.search(text):
        return "Must not hold controls of the writing direction."
    return fault(text)


def is_blank(text: str) -> bool:
    """Tell whether *text* shows nothing at all."""
    return not any(map(_shows, text))


def _shows(character: str) -> bool:
    """Tell whether a character shows by itself; a newer Unicode's, unknown here, is taken to."""
    category = unicodedata.category(character)
    return (category[0] in "LNPS" or category in {"Cn", "Co"}) and character not in _BLANK
