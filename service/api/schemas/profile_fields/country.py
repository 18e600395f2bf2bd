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
_EXPANSIONS: Final = {"&": "and", "st": "saint"}


class Country(Line):
    """
    A country of ISO 3166-1, by code or English name.

    Names are those of ISO and of CLDR, which browsers and phones use: "Russian Federation" and "Russia".
    Codes are converted to upper case, names to the spelling of the lists; OTHER_NAMES to CLDR's names.
    """

    about = "A country of ISO 3166-1: its code or its English name."
    longest = 64

    def prepare(self) -> None:
        """Load the lists of countries."""
        _known()

    def canonical(self, text: str) -> str:
        """Return the code or the name."""
        text = super().canonical(text)
        known = _known()
        if text in known.names:
            return text
        code = text.replace(".", "").upper()
        if code in known.codes:
            return code
        for name in (text, _in_natural_order(text)):
            if (key := _key(name)) in known.by_key:
                return known.by_key[key]
        raise ValidationError(
            "Must be a country's ISO 3166-1 code or English name, such as IN or India."
        )


@dataclass(frozen=True, slots=True)
class _Known:
    codes: frozenset[str]  # of two letters and of three
    names: frozenset[str]
    by_key: Mapping[str, str]  # names by their normalized spelling


@cache
def _known() -> _Known:
    listed = iso3166.countries
    codes = {code for country in listed for code in (country.alpha2, country.alpha3)}
    names = [name for country in listed for name in _spellings(country.name)]
    names += [country.apolitical_name for country in listed]
    cldr = dict(countries_for_language("en"))
    for name in cldr.values():
        names.extend(_spellings(name))
    by_key: dict[str, str] = {}
    for name in names:
        by_key.setdefault(_key(name), name)
    for code, others in OTHER_NAMES.items():
        for name in others:
            by_key.setdefault(_key(name), cldr[code])
    return _Known(frozenset(codes), frozenset(names), by_key)


def _spellings(name: str) -> Iterator[str]:
    """Yield a listed name, without its remarks, and in natural word order."""
    yield name
    yield _IN_BRACKETS.sub("", name)
    yield _in_natural_order(name)


def _in_natural_order(name: str) -> str:
    """Return "Republic of Korea" for "Korea, Republic of"."""
    first, _, second = name.partition(", ")
    return f"{second} {first}" if second else name


def _key(name: str) -> str:
    """Return a name without case, accents, punctuation and articles."""
    decomposed = unicodedata.normalize("NFKD", name)  # of at most `longest` characters
    letters = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    words = _WORD.findall(letters.casefold().replace(".", ""))
    kept = [_EXPANSIONS.get(word, word) for word in words if word != "the"]
    return " ".join(kept)


# Well-known English names that neither ISO 3166 nor country-list's CLDR names have.
# By ISO 3166-1 alpha-2: CLDR's alternative names, abbreviations, and names that have been in use lately.
OTHER_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "AE": ("UAE", "Emirates"),
    "AG": ("Antigua",),
    "AX": ("Aland",),
    "BA": ("Bosnia", "Bosnia Herzegovina"),
    "BL": ("St Barts", "St Barth"),
    "CD": ("DR Congo", "Congo DR", "DRC", "Congo DRC", "Democratic Republic of Congo"),
    "CG": ("Republic of the Congo", "Congo Republic"),
    "CI": ("Ivory Coast",),
    "CN": ("PRC", "People's Republic of China", "Mainland China"),
    "CZ": ("Czech Republic",),
    "FK": ("Falklands",),
    "GB": ("UK", "Great Britain", "Britain", "Great Britain and Northern Ireland"),
    "GR": ("Hellas", "Hellenic Republic"),
    "HK": ("Hong Kong SAR",),
    "IE": ("Republic of Ireland", "Eire"),
    "IO": ("Chagos Archipelago",),
    "KG": ("Kyrgyz Republic",),
    "KP": ("DPRK",),
    "KR": ("ROK",),
    "LA": ("Lao PDR",),
    "LK": ("Ceylon",),
    "MK": ("Macedonia", "FYROM", "FYR Macedonia", "Former Yugoslav Republic of Macedonia"),
    "MM": ("Burma",),
    "MO": ("Macau", "Macau SAR", "Macao SAR"),
    "NL": ("Holland",),
    "NZ": ("Aotearoa", "Aotearoa New Zealand"),
    "PS": ("Occupied Palestinian Territory", "Occupied Palestinian Territories"),
    "SA": ("KSA", "Kingdom of Saudi Arabia"),
    "SK": ("Slovak Republic",),
    "SR": ("Surinam",),
    "ST": ("Sao Tome",),
    "SZ": ("Swaziland",),
    "TL": ("East Timor",),
    "TT": ("Trinidad",),
    "US": ("America", "US of America"),
    "VA": ("Vatican", "Vatican City State"),
    "VC": ("St Vincent",),
    "VG": ("BVI",),
    "VI": ("US Virgin Islands", "Virgin Islands of the United States"),
    "WS": ("Western Samoa",),
    "ZA": ("RSA",),
}
