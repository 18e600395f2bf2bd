"""The Unicode rules of texts: allowed characters and normalization."""

import re
import unicodedata
from typing import Final

from marshmallow import ValidationError

from service.domain.values.normalization import MAX_MARKS, is_stream_safe

# Ranges for a character class, in a syntax common to Python and ECMA-262.
SPACES: Final = r" \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"  # category Zs
# Basic plane: controls except tab, line feed and carriage return; noncharacters.
NOT_IN_TEXT: Final = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufdd0-\ufdef\ufffe\uffff"
# All controls; line and paragraph separators; bidirectional embeddings, overrides and isolates, which can
# make a text look like another (UTR 36, section 2.4); noncharacters. Marks such as U+200F are allowed:
# scripts need them.
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
# Invisible letters and symbols: the Hangul fillers, Khmer inherent vowels, the Braille blank.
_BLANK: Final = frozenset("\u115f\u1160\u3164\uffa0\u17b4\u17b5\u2800")

# The most code points that compose into one (U+1F82, for example), so NFC shortens a text at most to a
# quarter (UAX #15, section 9).
MAX_COMPOSED: Final = 4


def normal_form(text: str) -> str:
    """
    Return *text* in Normalization Form C, in linear time.

    Raises ValidationError for more than MAX_MARKS combining marks in a row.
    """
    if text.isascii():
        return text
    if not is_stream_safe(text):
        raise ValidationError(f"Must not have more than {MAX_MARKS} combining marks in a row.")
    return unicodedata.normalize("NFC", text)


def fault(text: str) -> str | None:
    """Return the message for a character that no text may have, or None."""
    if text.isascii() and text.isprintable():
        return None
    if _CONTROL.search(text):
        return "Must not contain control characters other than tabs and line ends."
    if _NO_CHARACTER.search(text):
        return "Must not contain surrogates or Unicode noncharacters."
    return None


def fault_of_a_line(text: str) -> str | None:
    """Return the message for a character that a line may not have, or None."""
    if text.isascii() and text.isprintable():
        return None
    if _CONTROL_OR_BREAK.search(text):
        return "Must be a single line without control characters."
    if _DIRECTION_CONTROL.search(text):
        return "Must not contain bidirectional control characters."
    return fault(text)


def is_blank(text: str) -> bool:
    """Return whether *text* has no visible character."""
    first = text[:1]
    return not (first.isascii() and first.isalnum()) and not any(map(_is_visible, text))


def _is_visible(character: str) -> bool:
    """Return whether a character is visible; unassigned ones count as visible."""
    category = unicodedata.category(character)
    return (category[0] in "LNPS" or category in {"Cn", "Co"}) and character not in _BLANK
