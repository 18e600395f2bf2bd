"""Texts are normalized in linear time."""

import sys
import unicodedata

import pytest
from marshmallow import ValidationError

from service.api.schemas import unicode_text
from service.api.schemas.profile_fields.text import Line
from service.domain.values import normalization

# Marks of several classes, one outside of the basic plane, and those of class 0.
MARKS = ["\u0301", "\u0327", "\u0345", "\u0f71", "\u0f73", "\u0f75", "\u0f81", "\U0001d165"]


@pytest.mark.parametrize("mark", MARKS, ids=ascii)
@pytest.mark.parametrize("before", ["", "a", "\u1e69"], ids=ascii)
def test_no_more_than_30_marks_in_a_row_are_taken(before: str, mark: str) -> None:
    """30 combining marks in a row are normalized, any number of times; 31 are refused."""
    taken = (before + mark * 30 + "x") * 3

    assert unicode_text.normal_form(taken) == unicodedata.normalize("NFC", taken)
    with pytest.raises(ValidationError, match="30 combining marks"):
        unicode_text.normal_form(f"{taken}{before}{mark * 31}")


def test_marks_are_counted_whatever_their_class() -> None:
    """Marks of one class, of several, and of class 0 count as one run."""
    with pytest.raises(ValidationError, match="30 combining marks"):
        unicode_text.normal_form("a" + "\u0f73\u0301\u0327" * 11)


def test_each_character_that_decomposes_into_marks_counts_as_one() -> None:
    """Python's Unicode data has no other character of class 0 whose decomposition begins with a mark."""
    found = [
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if unicodedata.combining(character) == 0
        and unicodedata.combining(unicodedata.normalize("NFD", character)[0])
    ]

    assert not [each for each in found if normalization.is_stream_safe(each * 31)]


def test_no_normal_form_has_less_than_a_quarter_of_the_code_points() -> None:
    """No character is composed of more than MAX_COMPOSED code points."""
    longest = max(
        len(unicodedata.normalize("NFD", chr(code))) for code in range(sys.maxunicode + 1)
    )

    assert longest == unicode_text.MAX_COMPOSED


def test_length_is_that_of_the_normal_form() -> None:
    """A text whose Normalization Form C is within the limit is accepted."""
    greek = unicodedata.normalize("NFD", "\u1f82")

    assert Line(longest=3).deserialize(greek * 3) == "\u1f82" * 3
    with pytest.raises(ValidationError, match="1 to 3 characters"):
        Line(longest=3).deserialize(greek * 3 + "a")


@pytest.mark.parametrize(
    ("one", "other"),
    [("ALICE", "alice"), ("STRASSE", "stra\u00dfe"), ("\uff21", "a"), ("\u212b", "a\u030a")],
    ids=ascii,
)
def test_caseless_form_is_that_of_compatible_texts(one: str, other: str) -> None:
    """Case, width and compatibility characters do not change the caseless form."""
    assert normalization.caseless_form(one) == normalization.caseless_form(other)


def test_text_with_too_many_marks_is_its_own_caseless_form() -> None:
    """A text with too many marks is not normalized."""
    text = "A" + "\u0301" * 31

    assert normalization.caseless_form(text) == text
