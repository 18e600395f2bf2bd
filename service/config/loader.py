"""Reads the configuration: the file, the environment over it, and one message for all problems."""

import configparser
import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from service.config import rules, variables
from service.config.fields import Section
from service.config.settings import SECTIONS, Config, attribute, definitions, environment_name
from service.startup_errors import ConfigurationUnusable

# configparser ignores what follows the bracket: `[log] level = debug` on one line.
_HEADER: Final = re.compile(r"\[(?P<header>[^]]+)\]\s*(?:[#;].*)?$")

Settings = Mapping[str, Mapping[str, str]]  # section -> key -> text


def load(
    path: Path | None,
    environ: Mapping[str, str],
    *,
    under: Settings | None = None,
    over: Settings | None = None,
) -> Config:
    """
    Return the configuration: of *over*, else of *environ*, else of the file, else of *under*.

    A setting that none of them has gets its default. An empty text is the empty list for a setting that
    is a list, and is ignored for any other. Raises ConfigurationUnusable, whose one message has every
    problem and no secret.
    """
    settings = _read(path) if path is not None else {}
    environ = _without_service_links(environ)
    problems = [*_unknown(settings), *_misspelt(environ, settings)]
    values: dict[str, Any] = {}  # those that are right, by section.key
    for section in SECTIONS.values():
        given: dict[str, str] = {}
        for layer in (under or {}, settings, _of_environment(section, environ), over or {}):
            given |= _given(section, layer.get(section.section, {}))
        for key, definition in definitions(section).items():
            try:
                values[f"{section.section}.{key}"] = definition.parse(given.get(key))
            except ValueError as error:
                problems.append(_problem(section.section, key, str(error)))
    for name, text in rules.broken(values):
        section_name, _, key = name.rpartition(".")
        problems.append(_problem(section_name, key, text))
    if problems:
        source = f"{path} and the environment" if path is not None else "the environment"
        raise ConfigurationUnusable(
            "\n  ".join([f"The configuration ({source}) cannot be used:", *problems])
        )
    return Config(**{name: _section(section, values) for name, section in SECTIONS.items()})


def sources(path: Path | None, environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """
    Return where each setting of `load` comes from, by section and key.

    That is "environment", "file" or "default"; a file that repeats a default, as config.ini does, counts
    as "default". Raises ConfigurationUnusable if the file cannot be read.
    """
    settings = _read(path) if path is not None else {}
    environ = _without_service_links(environ)
    found = {}
    for section in SECTIONS.values():
        name = section.section
        known = definitions(section)
        in_file = {
            key
            for key, text in _given(section, settings.get(name, {})).items()
            if " ".join(text.split()) != known[key].default
        }
        in_environ = _of_environment(section, environ)[name]
        found[name] = {
            key: "environment" if key in in_environ else "file" if key in in_file else "default"
            for key in known
        }
    return found


def _without_service_links(environ: Mapping[str, str]) -> Mapping[str, str]:
    return {
        name: value for name, value in environ.items() if not variables.is_service_link(name, value)
    }


def _read(path: Path) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(
        interpolation=None,  # a secret may hold a %
        default_section="",  # [DEFAULT] is an unknown section like any other
        delimiters=("=",),
    )
    parser.SECTCRE = _HEADER
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"), source=str(path))
    except OSError as error:
        raise _unusable(path, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _unusable(path, "is not UTF-8 text") from None
    except configparser.DuplicateOptionError as error:
        where = f"sets [{error.section}] {error.option} twice (line {error.lineno})"
        raise _unusable(path, where) from None
    except configparser.DuplicateSectionError as error:
        where = f"has the section [{error.section}] twice (line {error.lineno})"
        raise _unusable(path, where) from None
    except configparser.MissingSectionHeaderError as error:
        raise _unusable(
            path, f"has text before the first [section] (line {error.lineno})"
        ) from None
    except configparser.ParsingError as error:
        lines = ", ".join(str(lineno) for lineno, _ in error.errors)
        raise _unusable(path, f"is not `key = value` text (line {lines})") from None
    return {name: dict(section) for name, section in parser.items() if name}


def _unusable(path: Path, what: str) -> ConfigurationUnusable:
    """Return the error; it repeats no line of the file, which may hold a secret."""
    return ConfigurationUnusable(f"The file {path} {what}.")


def _section(section: type[Section], values: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- one of many types
    return section(
        **{attribute(key): values[f"{section.section}.{key}"] for key in definitions(section)}
    )


def _of_environment(section: type[Section], environ: Mapping[str, str]) -> Settings:
    names = {key: environment_name(section.section, key) for key in definitions(section)}
    others = {
        key: definition.variable
        for key, definition in definitions(section).items()
        if definition.variable is not None
    }
    found: dict[str, str] = {}
    for by_key in (others, names):
        texts = {key: environ[name] for key, name in by_key.items() if name in environ}
        found |= _given(section, texts)
    return {section.section: found}


def _given(section: type[Section], entries: Mapping[str, str]) -> dict[str, str]:
    known = definitions(section)
    return {
        key: text.strip()
        for key, text in entries.items()
        if key in known and (text.strip() or known[key].is_list)
    }


def _unknown(settings: Settings) -> Iterator[str]:
    known = {section.section: definitions(section) for section in SECTIONS.values()}
    for section, entries in settings.items():
        if section not in known:
            yield f"[{section}]: there is no such section{_meant(section, known)}"
            continue
        for key in entries:
            if key not in known[section]:
                elsewhere = [f"[{other}] {key}" for other in known if key in known[other]]
                meant = _meant(key, known[section]) or _meant(f"[{section}] {key}", elsewhere)
                yield f"[{section}] {key}: there is no such setting{meant}"


def _misspelt(environ: Iterable[str], settings: Settings) -> Iterator[str]:
    in_file = {
        environment_name(section, key) for section, entries in settings.items() for key in entries
    }
    for name, meant in variables.misspelt(environ, {*environ, *in_file}):
        yield f"{name} in the environment: there is no such setting; did you mean {meant}?"


def _meant(name: str, known: Iterable[str]) -> str:
    by_spelling = {_spelling(right): right for right in known}
    close = difflib.get_close_matches(_spelling(name), by_spelling, n=1)
    return f"; did you mean {by_spelling[close[0]]}?" if close else ""


def _spelling(name: str) -> str:
    return name.lower().replace("_", "-")


def _problem(section: str, key: str, text: str) -> str:
    return f"[{section}] {key} (environment: {environment_name(section, key)}): {text}"
