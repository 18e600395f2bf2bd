"""Environment variables that are not settings: those of other programs, and misspelt ones."""

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from service.config.settings import SECTIONS, definitions, environment_name

# What Kubernetes, OpenShift and Docker set for a service named SERVER: SERVER_PORT=tcp://10.0.0.1:8080,
# SERVER_SERVICE_HOST, SERVER_SERVICE_PORT_HTTP, SERVER_PORT_8080_TCP_ADDR, SERVER_ENV_PATH.
_SERVICE_LINK: Final = re.compile(
    r"\w+_(?:SERVICE_(?:HOST|PORT(?:_\w+)?)|PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?|ENV_\w+)"
)
_LINKED_ADDRESS: Final = re.compile(r"(?:tcp|udp|sctp)://", re.IGNORECASE)
_LINK_ADVICE: Final = (
    "It holds the address of another service, as container platforms set it: set the variable yourself, "
    "or enableServiceLinks: false in a pod."
)
_UNITS: Final = frozenset({"S", "MS", "BYTES", "PER", "MIN", "H"})
_OTHER_UNITS: Final = re.compile(
    r"SECS?|SECONDS?|MILLIS|MILLISECONDS?|MINUTES?|HOURS?|[KM]I?B|SIZE|COUNT"
)
# Other names of sections, beside the last word of a dotted one: COGNITO_CLIENT_ID.
_OTHER_SECTIONS: Final = {"limits": ("rate_limit", "rate_limits")}
# Those that other programs use as well.
_SIMILAR_SECTIONS: Final = {
    "auth": ("authentication",),
    "auth-config": ("auth", "authentication_config"),
    "aws.dynamodb": ("aws_ddb", "ddb"),
    "identity": ("identities",),
    "log": ("logging", "logger"),
    "server": ("http", "service"),
    "tracing": ("trace",),
}
_OWN_PREFIXES: Final = (("USER", "PROFILE", "SERVICE"), ("USER", "PROFILE"), ("APP",))
_MOST_PREFIX_WORDS: Final = 3
_LONG_WORD: Final = 7  # letters: it may have two mistakes
_LONG_NAME: Final = 16  # letters: likewise
_LEAST_WORDS: Final = 3  # of a setting's name behind a prefix that is not the service's own
_SIMILAR: Final = 0.85  # of difflib's ratio


@dataclass(frozen=True, slots=True)
class _Name:
    """A *name* of the setting with this *variable*; *section* is the number of words of its section."""

    variable: str
    name: str
    words: tuple[str, ...]
    section: int

    @property
    def letters(self) -> str:
        """The name without separators."""
        return "".join(self.words)


def is_service_link(name: str, value: str) -> bool:
    """Return whether a container platform sets the variable to the address of another service."""
    return _SERVICE_LINK.fullmatch(name) is not None or (
        name.endswith("_PORT") and _LINKED_ADDRESS.match(value) is not None
    )


def misspelt(names: Iterable[str], given: Collection[str]) -> Iterator[tuple[str, str]]:
    """
    Yield those of *names* that only a mistake explains, each with the variable that is meant.

    These have a typing error in any word, the words in another order, lack a unit or other words of the
    key, or begin with another name of the section, unless the setting itself is among *given*, the
    variables of what is set.
    """
    variables = {known.variable for known in _names()}
    for name in names:
        if name not in variables:
            words = _words(name)
            near = {known.variable for known in _names() if _is_meant(words, known, given)}
            yield from ((name, meant) for meant in _closest(name, near, cutoff=0))


def ignored(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """
    Yield the variables that are ignored although they may be meant, each with what to do.

    These are addresses of other services in variables of settings, and names that resemble a setting's:
    with another prefix or section, with none, or with another unit.
    """
    variables = {known.variable for known in _names()}
    for name, value in environ.items():
        if is_service_link(name, value):
            if name in variables:
                yield name, _LINK_ADVICE
        elif name not in variables:
            meant = _resembled(name)
            if meant is not None:
                yield name, f"There is no such setting; did you mean {meant}?"


def _is_meant(words: Sequence[str], known: _Name, given: Collection[str]) -> bool:
    if known.name != known.variable:
        # RATE_LIMIT_BURST may be another program's.
        is_own = words == known.words or len(_without_units(known.words[known.section :])) > 1
        return is_own and known.variable not in given and _is_typing_error(words, known)
    missing = _missing_words(words, known)
    # IDENTITY_CLIENT_ID may be another program's, AWS_COGNITO_POOL_ID is not.
    lacks_words = bool(missing) and (known.section > 1 or _UNITS.issuperset(missing))
    return lacks_words or _is_reordered(words, known) or _is_typing_error(words, known)


def _resembled(name: str) -> str | None:
    words = _words(name)
    elsewhere = _elsewhere(words)
    if elsewhere is not None:
        return elsewhere
    near = {known.variable for known in _names() if _shares_section(words, known)}
    shorter = {
        known.variable
        for known in _names()
        if 0 < 2 * len(_missing_words(words, known)) <= len(known.words) - known.section
    }
    meant = _closest(name, near, cutoff=_SIMILAR) or _closest(name, shorter, cutoff=0)
    return meant[0] if meant else None


def _closest(name: str, variables: Collection[str], *, cutoff: float) -> Sequence[str]:
    return difflib.get_close_matches(name.upper(), sorted(variables), n=1, cutoff=cutoff)


@cache
def _names() -> tuple[_Name, ...]:
    found: list[_Name] = []
    for section in SECTIONS.values():
        kind = section.section
        others = (kind.rpartition(".")[2], *_OTHER_SECTIONS.get(kind, ()))
        for key, definition in definitions(section).items():
            variable = environment_name(kind, key)
            spellings = {kind: variable} | {other: environment_name(other, key) for other in others}
            found += [
                _Name(variable, name, _words(name), len(_words(prefix)))
                for prefix, name in spellings.items()
            ]
            if definition.variable is not None:
                other = definition.variable
                found.append(_Name(other, other, _words(other), len(_words(other))))
    return tuple(found)


def _words(name: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[A-Z0-9]+", name.upper()))


def _is_typing_error(words: Sequence[str], known: _Name) -> bool:
    letters = "".join(words)
    is_long = len(known.letters) >= _LONG_NAME
    if not is_long and letters[1:] == known.letters and letters[0] != letters[1]:
        return False  # GLOG_LEVEL is another program's
    if len(words) == len(known.words) and all(
        _differ_at_most(1 + (len(right) >= _LONG_WORD), word, right)
        for word, right in zip(words, known.words, strict=True)
    ):
        return True
    return _differ_at_most(1 + is_long, letters, known.letters)


def _missing_words(words: Sequence[str], known: _Name) -> Sequence[str]:
    """Return the words of the key that are missing if there is no other difference, else none."""
    size = known.section
    key, right = list(words[size:]), known.words[size:]
    if tuple(words[:size]) != known.words[:size] or not key:
        return ()
    missing = [word for word in right if not (key and word == key[0] and key.pop(0))]
    return () if key else missing


def _is_reordered(words: Sequence[str], known: _Name) -> bool:
    """Return whether the key's words stand behind the section in any order."""
    size = known.section
    is_in_section = tuple(words[:size]) == known.words[:size]
    return is_in_section and sorted(words[size:]) == sorted(known.words[size:])


def _shares_section(words: Sequence[str], known: _Name) -> bool:
    is_in_section = tuple(words[: known.section]) == known.words[: known.section]
    return is_in_section or "".join(words)[1:] == known.letters


def _elsewhere(words: tuple[str, ...]) -> str | None:
    """Return the variable whose words these are with another section, unit or prefix, or None."""
    known = _other_places()
    for start in range(_MOST_PREFIX_WORDS + 1):
        prefix, rest = words[:start], words[start:]
        found = known.get(rest) or known.get(_without_units(rest))
        if found is not None and (
            len(rest) >= _LEAST_WORDS or prefix in {(), rest[:start], *_OWN_PREFIXES}
        ):
            return found
    return None


@cache
def _other_places() -> Mapping[tuple[str, ...], str]:
    found: dict[tuple[str, ...], str] = {}
    for section in SECTIONS.values():
        kind = section.section
        for key in definitions(section):
            variable = environment_name(kind, key)
            names = [
                key,
                variable,
                *(f"{other}_{key}" for other in _SIMILAR_SECTIONS.get(kind, ())),
            ]
            for words in map(_words, names):
                for spelling in (words, _without_units(words)):
                    if len(spelling) > 1:
                        found.setdefault(spelling, variable)
    return found


def _without_units(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for word in words if word not in _UNITS and not _OTHER_UNITS.fullmatch(word))


def _differ_at_most(most: int, one: str, other: str) -> bool:
    """Return whether *most* letters are missing, added, replaced or exchanged with the next one."""
    if one == other:
        return True
    if abs(len(one) - len(other)) > most or len({*one} ^ {*other}) > 2 * most:
        return False  # without a comparison: a container may have thousands of variables
    before: list[int] = []
    row: list[int] = [*range(len(other) + 1)]
    for i, letter in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, right in enumerate(other, 1):
            distance = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != right))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == right:
                distance = min(distance, earlier[j - 2] + 1)
            row.append(distance)
    return row[-1] <= most
