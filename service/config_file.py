"""Reads the configuration: the file, the environment over it, and one message for all that is wrong."""

import configparser
import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias, get_args

from marshmallow import ValidationError
from marshmallow.fields import Field

from service.config import Config
from service.config_schema import SECTIONS, Networks, SectionSchema, Words
from service.errors import ConfigurationUnusable

Settings = Mapping[str, Mapping[str, str]]  # section -> key -> text
NotIni: TypeAlias = (
    configparser.DuplicateOptionError
    | configparser.DuplicateSectionError
    | configparser.ParsingError
)
NOT_INI = get_args(NotIni)  # all that reading a text raises


def load(
    path: Path | None,
    environ: Mapping[str, str],
    *,
    under: Settings | None = None,
    over: Settings | None = None,
) -> Config:
    """
    Return the configuration: what *over* says, else *environ*, else the file, else *under*.

    What none of them says has its default. An empty value is an empty list for a setting that is a
    list, and says nothing for any other. Raises ConfigurationUnusable with every problem, and no
    value of a secret, in one message.
    """
    problems: list[str] = []
    settings = _read(path) if path is not None else {}
    problems += _unknown(settings)
    values = {}
    for name, schema in SECTIONS.items():
        section: dict[str, str] = {}
        for layer in (under or {}, settings, _of_environment(schema, environ), over or {}):
            section |= _given(schema, layer.get(schema.section, {}))
        try:
            values[name] = schema(unknown="exclude").load(section)
        except ValidationError as error:
            problems += _wrong(schema, error)
    if problems:
        source = f"{path} and the environment" if path is not None else "the environment"
        raise ConfigurationUnusable(
            "\n  ".join([f"The configuration ({source}) cannot be used:", *problems])
        )
    return Config(**values)


def environment_name(section: str, key: str) -> str:
    """Return the environment variable that overrides a setting."""
    return f"{section}_{key}".upper().replace(".", "_").replace("-", "_")


def keys(schema: type[SectionSchema]) -> dict[str, Field[Any]]:
    """Return the settings of a section: key -> field."""
    return {field.data_key or name: field for name, field in schema().fields.items()}


def _read(path: Path) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(
        interpolation=None,  # a secret may hold a %
        default_section="",  # [DEFAULT] is an unknown section like any other
        delimiters=("=",),
    )
    try:
        parser.read_string(path.read_text(encoding="utf-8"), source=str(path))
    except OSError as error:
        raise ConfigurationUnusable(f"The file {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigurationUnusable(f"The file {path} is not UTF-8 text.") from None
    except NOT_INI as error:
        raise ConfigurationUnusable(_unreadable(path, error)) from None
    return {name: dict(section) for name, section in parser.items() if name}


def _unreadable(path: Path, error: NotIni) -> str:
    """Say where the file is wrong without repeating the line, which may hold a secret."""
    if isinstance(error, configparser.DuplicateOptionError):
        what = f"sets [{error.section}] {error.option} twice (line {error.lineno})"
    elif isinstance(error, configparser.DuplicateSectionError):
        what = f"has the section [{error.section}] twice (line {error.lineno})"
    elif isinstance(error, configparser.MissingSectionHeaderError):
        what = f"has text before the first [section] (line {error.lineno})"
    else:
        lines = ", ".join(str(lineno) for lineno, _ in error.errors)
        what = f"is not `key = value` text (line {lines})"
    return f"The file {path} {what}."


def _of_environment(schema: type[SectionSchema], environ: Mapping[str, str]) -> Settings:
    names = {key: environment_name(schema.section, key) for key in keys(schema)}
    return {schema.section: {key: environ[name] for key, name in names.items() if name in environ}}


def _given(schema: type[SectionSchema], section: Mapping[str, str]) -> dict[str, str]:
    lists = {key for key, field in keys(schema).items() if isinstance(field, Words | Networks)}
    return {key: text.strip() for key, text in section.items() if text.strip() or key in lists}


def _unknown(settings: Settings) -> Iterator[str]:
    known = {schema.section: keys(schema) for schema in SECTIONS.values()}
    for section, entries in settings.items():
        if section not in known:
            yield f"[{section}]: there is no such section{_meant(section, known)}"
            continue
        for key in entries:
            if key not in known[section]:
                yield f"[{section}] {key}: there is no such setting{_meant(key, known[section])}"


def _meant(name: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _wrong(schema: type[SectionSchema], error: ValidationError) -> Iterator[str]:
    for key, messages in error.messages_dict.items():
        name = environment_name(schema.section, key)
        yield f"[{schema.section}] {key} (environment: {name}): {' '.join(messages)}"
