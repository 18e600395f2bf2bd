"""Countries."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import iso3166
from country_list import (  # type: ignore[import-untyped]  # it ships no types
    countries_for_language,
)
from marshmallow import ValidationError

from service.api.schemas.profile_fields.text import Line

_IN_BRACKETS: Final = re.compile(r" \([^)]*\)")
_WORD: Final = re.compile(r"[^\W_]+|&")
_IN_FULL: Final = {"&": "and", "st": "saint"}


class Country(Line):
    """
    A country of ISO 3166-1, by its code or by its English name.

    Names are those of ISO and those of CLDR, which is where browsers and phones have theirs from:
    "Russian Federation" and "Russia". What was sent is kept, a code in upper case, and a name that
    differs in case, accents or the like as the lists spell it.
    """

    about = "A country of ISO 3166-1: its code or its English name."
    longest = 64

    def prepare(self) -> None:
        """Read the lists of countries."""
        _known()

    def canonical(self, text: str) -> str:
        """Return the code or the name."""
        text = super().canonical(text)
        known = _known()
        if text in known.names:
            return text
        if text.upper() in known.codes:
            return text.upper()
        try:
            return known.by_key[_key(text)]
        except KeyError:
            raise ValidationError(
                "Must be a country's ISO 3166-1 code or English name, such as IN or India."
            ) from None


@dataclass(frozen=True, slots=True)
class _Known:
    codes: frozenset[str]  # of two letters and of three
    names: frozenset[str]
    by_key: Mapping[str, str]  # a name by what it has in common with other ways to write it


@cache
def _known() -> _Known:
    listed = iso3166.countries
    codes = {code for country in listed for code in (country.alpha2, country.alpha3)}
    names = [name for country in listed for name in _spellings(country.name)]
    names += [country.apolitical_name for country in listed]
    for _, name in countries_for_language("en"):
        names.extend(_spellings(name))
    by_key: dict[str, str] = {}
    for name in names:
        by_key.setdefault(_key(name), name)
    return _Known(frozenset(codes), frozenset(names), by_key)


def _spellings(name: str) -> Iterator[str]:
    """Give a listed name, and what is left when its order and its remarks are undone."""
    yield name
    yield _IN_BRACKETS.sub("", name)
    if ", " in name:  # "Korea, Republic of"
        first, _, second = name.partition(", ")
        yield f"{second} {first}"


def _key(name: str) -> str:
    """Return the words of a name without case, accents, punctuation and articles."""
    letters = "".join(
        letter
        for letter in unicodedata.normalize("NFKD", name)  # of at most `longest` characters
        if not unicodedata.combining(letter)
    )
    words = _WORD.findall(letters.casefold())
    kept = [_IN_FULL.get(word, word) for word in words if word != "the"]
    return " ".join(kept)
