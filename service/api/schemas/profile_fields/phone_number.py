"""Telephone numbers."""

import re
import unicodedata
from typing import Final

import phonenumbers
from marshmallow import ValidationError

from service.api.schemas.profile_fields.text import CanonicalText

# Up to 15 digits and two of a trunk prefix, as in +44 (0)20.
_SHAPE: Final = re.compile(r"\+[1-9](?:[ ()./-]{0,3}[0-9]){1,16}")
_PLAIN: Final = {"Cf": "", "Zs": " ", "Pd": "-"}  # by category


class PhoneNumber(CanonicalText):
    """
    A telephone number with its country code, stored in E.164.

    The country code must exist, and the length must be possible there. The number's block need not be
    assigned: assignments change more often than releases. Contact lists copy numbers with typographic
    spaces and hyphens and with bidirectional marks, which are ignored.
    """

    about = "A telephone number; stored in E.164."
    # A plus, also a full-width one, before digits, spaces and hyphens of any script.
    shape = r"^[^0-9A-Za-z]*[+\u207a\u208a\ufb29\ufe62\uff0b][^A-Za-z]+$"
    longest = 40

    def canonical(self, text: str) -> str:
        """Return the number in E.164."""
        number = _read("".join(map(_plain, text)).strip(" "))
        if number is not None and phonenumbers.is_possible_number(number):
            kept = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            if _read(kept) == number:  # else it has several trunk prefixes
                return kept
        raise ValidationError(
            "Must be a telephone number with its country code (E.164), such as +912212345678."
        )


def _plain(character: str) -> str:
    """Return a digit, space, hyphen, plus or bracket in ASCII; nothing for an invisible character."""
    if character.isascii():
        return character
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    kind = "Pd" if character == "\N{MINUS SIGN}" else unicodedata.category(character)
    plain = _PLAIN.get(kind)
    return unicodedata.normalize("NFKC", character) if plain is None else plain


def _read(text: str) -> phonenumbers.PhoneNumber | None:
    if _SHAPE.fullmatch(text) is None:
        return None
    try:
        return phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return None
