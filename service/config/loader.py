"""Reads the configuration: the file, the environment over it, and one message for all that is wrong."""

import configparser
import difflib
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from marshmallow import ValidationError
from marshmallow.fields import Field

from service.config import rules
from service.config.fields import Networks, SectionSchema, Words
from service.config.schema import SECTIONS
from service.config.settings import Config
from service.startup_errors import ConfigurationUnusable

OWN_PREFIXES = ("AWS_COGNITO_", "AWS_DYNAMODB_", "IDENTITY_")
Settings = Mapping[str, Mapping[str, str]]  # section -> key -> text


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
    problems += _misspelt(environ)
    values = {}
    valid: dict[str, Any] = {}
    for name, schema in SECTIONS.items():
        section: dict[str, str] = {}
        for layer in (under or {}, settings, _of_environment(schema, environ), over or {}):
            section |= _given(schema, layer.get(schema.section, {}))
        try:
            values[name] = schema(unknown="exclude").load(section)
            checked = {key: getattr(values[name], key) for key in schema().fields}
        except ValidationError as error:
            problems += _wrong(schema, error)
            checked = error.valid_data
        valid |= {f"{schema.section}.{key.replace('_', '-')}": checked[key] for key in checked}
    problems += [_problem(*name.rsplit(".", 1), text) for name, text in rules.broken(valid)]
    if problems:
        source = f"{path} and the environment" if path is not None else "the environment"
        raise ConfigurationUnusable(
            "\n  ".join([f"The configuration ({source}) cannot be used:", *problems])
        )
    return Config(**values)


def environment_name(section: str, key: str) -> str:
    """Return the environment variable that overrides a setting."""
    return f"{section}_{key}".upper().replace(".", "_").replace("-", "_")


@functools.cache
def keys(schema: type[SectionSchema]) -> Mapping[str, Field[Any]]:
    """Return the settings of a section: key -> field."""
    return {field.data_key or name: field for name, field in schema().fields.items()}


def _read(path: Path) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(
        interpolation=None,  # a secret may hold a %
        default_section="",  # [DEFAULT] is an unknown section like any other
        delimiters=("=",),
    )
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
    """Say what is wrong with the file, never by a line of it, which may hold a secret."""
    return ConfigurationUnusable(f"The file {path} {what}.")


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


def _misspelt(environ: Mapping[str, str]) -> Iterator[str]:
    """Name the variables that only a mistake explains; other prefixes are other programs' too."""
    known = {
        environment_name(schema.section, key): None
        for schema in SECTIONS.values()
        for key in keys(schema)
    }
    for name in environ:
        if name.startswith(OWN_PREFIXES) and name not in known:
            yield f"{name} in the environment: there is no such setting{_meant(name, known)}"


def _meant(name: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _wrong(schema: type[SectionSchema], error: ValidationError) -> Iterator[str]:
    for key, messages in error.messages_dict.items():
        yield _problem(schema.section, key, " ".join(messages))


def _problem(section: str, key: str, text: str) -> str:
    return f"[{section}] {key} (environment: {environment_name(section, key)}): {text}"
