"""The definitions of the settings, and the files that are generated from them."""

import configparser
import dataclasses
import json
from collections import Counter
from ipaddress import ip_network
from pathlib import Path

import pytest

from service.config import loader
from service.config.http_settings import LOOPBACK, PRIVATE_NETWORKS
from service.config.settings import SECTIONS, Config, definitions, environment_name
from tools import settings

SHIPPED = Path(__file__).parents[2] / "config.ini"
REQUIRED = {
    ("aws", "region"): "ap-south-1",
    ("aws.cognito", "user-pool-id"): "ap-south-1_Ab1",
    ("aws.cognito", "client-id"): "1a2b3c",
}
SECRET = "s3cr3t-%(x)s-\u00fc"  # noqa: S105 -- of nobody

SETTINGS = {
    (section.section, key): definition
    for section in SECTIONS.values()
    for key, definition in definitions(section).items()
}
NAMES = [f"{section}.{key}" for section, key in SETTINGS]


def _environ(*settings: tuple[str, str, str]) -> dict[str, str]:
    """Return an environment with the required settings, and *settings* over them."""
    given = REQUIRED | {(section, key): text for section, key, text in settings}
    return {environment_name(*setting): text for setting, text in given.items()}


def _load(*settings: tuple[str, str, str]) -> Config:
    return loader.load(None, _environ(*settings))


@pytest.mark.parametrize(
    ("path", "text"), [*settings.outputs()], ids=["config.ini", "docs/settings.md"]
)
def test_generated_file_is_current(path: Path, text: str) -> None:
    """config.ini and docs/settings.md are what `make settings` writes."""
    assert path.read_text(encoding="utf-8") == text


def test_config_ini_lists_what_exists() -> None:
    """config.ini has every setting with the text of its default."""
    parser = configparser.ConfigParser(interpolation=None, default_section="", delimiters=("=",))
    parser.read_string(SHIPPED.read_text(encoding="utf-8"))

    assert {
        (section, key): " ".join(text.split())
        for section in parser.sections()
        for key, text in parser[section].items()
    } == {setting: definition.default for setting, definition in SETTINGS.items()}


@pytest.mark.parametrize(("section", "key"), SETTINGS, ids=NAMES)
def test_example_is_a_right_value(section: str, key: str) -> None:
    """The example of a setting, which messages name, is a value that it takes."""
    definition = SETTINGS[section, key]

    if definition.example:
        assert definition.parse(definition.example) is not None
    else:
        assert definition.value is None  # any text


def test_config_ini_changes_nothing() -> None:
    """config.ini sets every setting to its default."""
    assert loader.load(SHIPPED, _environ()) == _load()


def test_required_settings_are_those_that_no_default_can_guess() -> None:
    """Only the region, the user pool and its client must be set."""
    assert {setting for setting, definition in SETTINGS.items() if definition.required} == set(
        REQUIRED
    )


def test_environment_names_are_unique() -> None:
    """No two settings share an environment variable."""
    names = Counter(environment_name(*setting) for setting in SETTINGS)

    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize(
    ("section", "key", "name"),
    [
        ("aws", "region", "AWS_REGION"),
        ("aws.cognito", "user-pool-id", "AWS_COGNITO_USER_POOL_ID"),
        ("aws.dynamodb", "endpoint-url", "AWS_DYNAMODB_ENDPOINT_URL"),
        ("server", "port", "SERVER_PORT"),
    ],
)
def test_environment_name_is_section_and_key(section: str, key: str, name: str) -> None:
    """The variable is the section and the key in upper case, with _ for . and -."""
    assert environment_name(section, key) == name


def test_defaults_are_the_documented_ones() -> None:
    """A setting that is not set has its documented default."""
    config = _load()

    assert (config.server.host, config.server.port) == (("0.0.0.0",), 8080)  # noqa: S104 -- compared
    assert (config.dynamodb.user_profile_table, config.dynamodb.consistent_read) == (
        "user-profiles",
        True,
    )
    assert config.identity.sources == ("bearer", "header")
    assert config.identity.header_peers == tuple(map(ip_network, LOOPBACK.split()))
    assert config.server.trusted_proxies == tuple(map(ip_network, PRIVATE_NETWORKS.split()))
    assert (config.log.level, config.log.format) == ("info", "json")
    assert config.cognito.client_secret is None
    assert config.cognito.endpoint_url is None


def test_secret_is_never_shown() -> None:
    """The repr of a configuration has no secret."""
    config = _load(("aws.cognito", "client-secret", SECRET))

    assert config.cognito.client_secret == SECRET
    assert SECRET not in repr(config)
    assert "client_secret" not in repr(config)


def test_loggable_settings_are_json_without_secrets() -> None:
    """Every setting is logged as a JSON value, but a secret only as set or not."""
    logged = _load(("aws.cognito", "client-secret", SECRET)).loggable()

    assert {(section, key) for section, entries in logged.items() for key in entries} == {*SETTINGS}
    assert json.loads(json.dumps(logged)) == logged
    assert logged["identity"]["header-peers"] == ["127.0.0.0/8", "::1/128"]
    assert logged["aws.cognito"]["client-secret"] == "(set)"
    assert logged["log"]["hash-key"] is None
    assert SECRET not in json.dumps(logged, ensure_ascii=False)


def test_configuration_is_frozen() -> None:
    """A configuration is immutable."""
    config = _load()

    for value in (config, *(getattr(config, name) for name in SECTIONS)):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, dataclasses.fields(value)[0].name, "other")
