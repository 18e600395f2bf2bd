"""The configuration has layers, and one message has all its problems."""

import itertools
from pathlib import Path

import pytest

from service.config import loader
from service.config.loader import Settings
from service.config.settings import SECTIONS, definitions
from service.startup_errors import ConfigurationUnusable

REQUIRED = {
    "AWS_REGION": "ap-south-1",
    "AWS_COGNITO_USER_POOL_ID": "ap-south-1_Ab1",
    "AWS_COGNITO_CLIENT_ID": "1a2b3c",
}
SECRET = "v3ry-s3cr3t"  # noqa: S105 -- of nobody
SHIPPED = Path(__file__).parents[2] / "config.ini"
LAYERS = ("over", "environ", "file", "under")  # the strongest first


def _file(folder: Path, text: str) -> Path:
    path = folder / "settings.ini"
    path.write_text(text, encoding="utf-8")
    return path


def _refusal(path: Path | None, environ: dict[str, str]) -> str:
    """Return the message with which the configuration is refused."""
    with pytest.raises(ConfigurationUnusable) as refused:
        loader.load(path, environ)
    return str(refused.value)


def _port(said: dict[str, str], folder: Path) -> int:
    """Return the port of a configuration whose layers set it as *said*."""

    def layer(name: str) -> Settings:
        return {"server": {"port": said[name]}} if name in said else {}

    return loader.load(
        _file(folder, f"[server]\nport = {said['file']}\n" if "file" in said else ""),
        REQUIRED | ({"SERVER_PORT": said["environ"]} if "environ" in said else {}),
        under=layer("under"),
        over=layer("over"),
    ).server.port


@pytest.mark.parametrize(("stronger", "weaker"), [*itertools.combinations(LAYERS, 2)])
def test_stronger_layer_wins(stronger: str, weaker: str, tmp_path: Path) -> None:
    """`over` has priority over the environment, the file and `under`, in this order."""
    assert _port({stronger: "1", weaker: "2"}, tmp_path) == 1


@pytest.mark.parametrize("layer", LAYERS)
def test_any_layer_beats_the_default(layer: str, tmp_path: Path) -> None:
    """A setting has its default only if no layer sets it."""
    assert _port({layer: "1"}, tmp_path) == 1
    assert _port({}, tmp_path) == 8080


@pytest.mark.parametrize("layer", ["over", "environ", "file"])
@pytest.mark.parametrize("empty", ["", "   "])
def test_empty_value_says_nothing(layer: str, empty: str, tmp_path: Path) -> None:
    """An empty value, or one of white space, is not set."""
    assert _port({layer: empty, "under": "7"}, tmp_path) == 7


def test_empty_list_is_said(tmp_path: Path) -> None:
    """An empty value of a list is an empty list."""
    path = _file(tmp_path, "[server]\ntrusted-proxies = 10.0.0.0/8\n")
    config = loader.load(path, REQUIRED | {"SERVER_TRUSTED_PROXIES": ""})

    assert config.server.trusted_proxies == ()


def test_list_runs_over_lines(tmp_path: Path) -> None:
    """A list is separated by any white space, also line ends."""
    path = _file(tmp_path, "[auth]\nwritable-attributes = name  email\n\tnickname\n\n  locale\n")
    config = loader.load(path, REQUIRED)

    assert config.auth.writable_attributes == ("name", "email", "nickname", "locale")


@pytest.mark.parametrize("secret", ["50%", "%(region)s", "a=b=c", "#;[x]:y", "ü"])
def test_secret_is_taken_as_it_stands(secret: str, tmp_path: Path) -> None:
    """A value is not interpolated, and has no comments."""
    path = _file(tmp_path, f"[aws.cognito]\nclient-secret = {secret}\n")

    assert loader.load(path, REQUIRED).cognito.client_secret == secret


def test_white_space_around_a_value_is_dropped() -> None:
    """White space around a value is dropped."""
    config = loader.load(None, REQUIRED | {"AWS_REGION": " ap-south-1\n"})

    assert config.aws.region == "ap-south-1"


def test_foreign_variables_are_ignored() -> None:
    """Variables of no setting are ignored."""
    foreign = {"PATH": "/bin", "AWS_PROFILE": "work", "SERVER": "x", "IDENTITY_QQQQ": "1"}

    assert loader.load(None, REQUIRED | foreign) == loader.load(None, REQUIRED)


def test_every_problem_stands_in_one_message(tmp_path: Path) -> None:
    """One message has the problems of the file and of the environment."""
    path = _file(
        tmp_path,
        "[sever]\nport = 1\n"
        "[DEFAULT]\nhost = x\n"
        "[server]\nprt = 1\nport = many\nmax-in-flight = 0\nhostage-situation-handler = x\n"
        "[identity]\nsources = header oracle\nheader-peers = 10.0.0.1/8\n"
        "[aws.dynamodb]\nconsistent-read = perhaps\n",
    )
    environ = {"LOG_LEVEL": "loud", "AWS_COGNITO_CLIENT_ID": "1a2b3c"}

    assert _refusal(path, environ).splitlines() == [
        f"The configuration ({path} and the environment) cannot be used:",
        "  [sever]: there is no such section; did you mean server?",
        "  [DEFAULT]: there is no such section",
        "  [server] prt: there is no such setting; did you mean port?",
        "  [server] hostage-situation-handler: there is no such setting",
        "  [aws] region (environment: AWS_REGION): Must be set. Example: ap-south-1",
        (
            "  [aws.cognito] user-pool-id (environment: AWS_COGNITO_USER_POOL_ID): "
            "Must be set. Example: ap-south-1_AbCdEfGhI"
        ),
        (
            "  [aws.dynamodb] consistent-read (environment: AWS_DYNAMODB_CONSISTENT_READ): "
            "Not a valid boolean. Example: true"
        ),
        (
            "  [identity] sources (environment: IDENTITY_SOURCES): "
            "'oracle' is not one of alb bearer header. Example: bearer header"
        ),
        (
            "  [identity] header-peers (environment: IDENTITY_HEADER_PEERS): "
            "10.0.0.1/8 has host bits set. Example: 127.0.0.0/8 ::1/128"
        ),
        "  [server] port (environment: SERVER_PORT): Not a valid integer. Example: 8080",
        (
            "  [server] max-in-flight (environment: SERVER_MAX_IN_FLIGHT): "
            "Must be greater than or equal to 1 and less than or equal to 100000. Example: 512"
        ),
        (
            "  [log] level (environment: LOG_LEVEL): "
            "Must be one of: debug, info, warning, error. Example: info"
        ),
    ]


def test_region_is_that_of_the_sdks() -> None:
    """AWS_DEFAULT_REGION is read where AWS_REGION has no value, over the file."""
    ids = {"AWS_COGNITO_USER_POOL_ID": "local_1", "AWS_COGNITO_CLIENT_ID": "1a2b3c"}
    default = ids | {"AWS_DEFAULT_REGION": "eu-west-1"}

    assert loader.load(None, default).aws.region == "eu-west-1"
    assert loader.load(None, default | {"AWS_REGION": ""}).aws.region == "eu-west-1"
    assert loader.load(None, default | {"AWS_REGION": "ap-south-1"}).aws.region == "ap-south-1"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("[Server]\n", "[Server]: there is no such section; did you mean server?"),
        ("[rate_limits]\n", "[rate_limits]: there is no such section; did you mean limits?"),
        ("[cognito]\n", "[cognito]: there is no such section; did you mean aws.cognito?"),
        ("[AUTH_CONFIG]\n", "[AUTH_CONFIG]: there is no such section; did you mean auth-config?"),
        (
            "[aws.cognito]\nUSER_POOL_ID = x\n",
            "[aws.cognito] user_pool_id: there is no such setting; did you mean user-pool-id?",
        ),
        ("[log]\nlevl = x\n", "[log] levl: there is no such setting; did you mean level?"),
    ],
    ids=ascii,
)
def test_misspelt_name_in_the_file_is_refused_with_the_right_one(
    text: str, meant: str, tmp_path: Path
) -> None:
    """An unknown section or setting of the file is named with the probable one."""
    assert _refusal(_file(tmp_path, text), REQUIRED).splitlines()[1:] == [f"  {meant}"]


def test_setting_of_another_section_is_found(tmp_path: Path) -> None:
    """A setting in a wrong section is named with its right one."""
    path = _file(tmp_path, "[identity]\ntrusted-proxies = 10.0.0.0/8\n")

    assert (
        "[identity] trusted-proxies: there is no such setting; did you mean [server] trusted-proxies?"
    ) in _refusal(path, REQUIRED)


@pytest.mark.parametrize(
    "name", ["IDENTITY_SOURCES", "SERVER_TRUSTED_PROXIES", "CORS_ALLOWED_ORIGINS"]
)
def test_list_with_commas_is_refused(name: str) -> None:
    """A list that is separated by commas is refused, with what to write instead."""
    message = _refusal(None, REQUIRED | {name: "10.0.0.0/8,https://a.example"})

    assert "by blanks, not by commas. Example: " in message


def test_required_setting_that_is_empty_is_missing(tmp_path: Path) -> None:
    """An empty required setting is missing."""
    path = _file(tmp_path, "[aws]\nregion =\n")

    assert "AWS_REGION): Must be set." in _refusal(path, REQUIRED | {"AWS_REGION": ""})


def test_message_without_a_file_names_the_environment() -> None:
    """Without a file, the message names the environment only."""
    assert _refusal(None, {}).startswith("The configuration (the environment) cannot be used:")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"region = {SECRET}\n", "has text before the first [section] (line 1)"),
        (f"\n{SECRET}\n", "has text before the first [section] (line 2)"),
        (f"[aws] region = {SECRET}\n", "has text before the first [section] (line 1)"),
        (f"[]\nregion = {SECRET}\n", "has text before the first [section] (line 1)"),
        (
            f"[aws.cognito]\nclient-secret {SECRET}\n\n[aws]\n{SECRET}\n",
            "is not `key = value` text (line 2, 5)",
        ),
        (
            f"[aws.cognito]\nclient-secret = {SECRET}\nclient-secret = {SECRET}\n",
            "sets [aws.cognito] client-secret twice (line 3)",
        ),
        (
            f"[aws.cognito]\nclient-secret = {SECRET}\n[aws.cognito]\n",
            "has the section [aws.cognito] twice (line 3)",
        ),
    ],
    ids=[
        "key first",
        "text first",
        "one line",
        "no name",
        "no =",
        "setting twice",
        "section twice",
    ],
)
def test_broken_file_is_refused_with_the_line(text: str, what: str, tmp_path: Path) -> None:
    """A file that cannot be parsed is named with the number of the line, not its text."""
    path = _file(tmp_path, text)

    assert _refusal(path, REQUIRED) == f"The file {path} {what}."


def test_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    """A file that is not UTF-8 is named, without its text."""
    path = tmp_path / "settings.ini"
    path.write_bytes(f"[aws.cognito]\nclient-secret = {SECRET}ü\n".encode("latin-1"))

    assert _refusal(path, REQUIRED) == f"The file {path} is not UTF-8 text."


def test_missing_file_is_refused(tmp_path: Path) -> None:
    """A missing file is an error."""
    path = tmp_path / "settings.ini"

    assert _refusal(path, REQUIRED) == f"The file {path} cannot be read: No such file or directory."


def test_folder_is_no_file(tmp_path: Path) -> None:
    """A folder is an error with the message of the system."""
    assert _refusal(tmp_path, REQUIRED) == f"The file {tmp_path} cannot be read: Is a directory."


@pytest.mark.parametrize(
    "text",
    [
        "[aws.cognito]\nclientsecret = {}\n",
        "[secrets]\nclient-secret = {}\n",
        "[aws.cognito]\nclient-id = {} \n",
        "[aws.cognito]\nuser-pool-id = {}\n",
        "[server]\nport = {}\n",
    ],
    ids=["unknown key", "unknown section", "client id", "pool id", "port"],
)
def test_no_message_repeats_a_secret(text: str, tmp_path: Path) -> None:
    """A message repeats no value that may be a misplaced secret."""
    path = _file(tmp_path, text.format(SECRET) + f"[aws]\nregion =\n    {SECRET}\n")
    environ = {"AWS_COGNITO_CLIENT_SECRET": SECRET, "LOG_LEVEL": "loud"}

    assert SECRET not in _refusal(path, environ)


def test_secret_in_the_environment_is_never_shown() -> None:
    """A secret is neither in the message nor in the repr of the error."""
    with pytest.raises(ConfigurationUnusable) as refused:
        loader.load(None, {"AWS_COGNITO_CLIENT_SECRET": SECRET, "SERVER_PORT": "x"})

    assert SECRET not in str(refused.value) + repr(refused.value)
    assert refused.value.__cause__ is None


def test_keys_are_those_of_the_file() -> None:
    """The keys of a section are those of the file."""
    assert list(definitions(SECTIONS["dynamodb"])) == [
        "user-profile-table",
        "endpoint-url",
        "consistent-read",
        "batched-reads",
        "sort-key-cache-size",
        "transport",
        "connect-timeout-s",
        "read-timeout-s",
    ]


def test_sources_of_settings_are_told_apart(tmp_path: Path) -> None:
    """Each setting comes from the environment, from the file, or is the default, also as repeated."""
    file = tmp_path / "config.ini"
    file.write_text(
        "[server]\nport = 9000\nhost = 0.0.0.0\n[log]\nlevel =\n[cors]\nallowed-origins = a\n",
        encoding="utf-8",
    )
    environ = {"SERVER_PORT": "1", "AWS_DEFAULT_REGION": "eu-west-1", "LOG_FORMAT": ""}

    found = loader.sources(file, environ)

    assert found["server"]["port"] == "environment"
    assert found["aws"]["region"] == "environment"
    assert found["cors"]["allowed-origins"] == "file"
    assert (found["log"]["level"], found["log"]["format"]) == ("default", "default")
    assert {
        source for keys in loader.sources(SHIPPED, {}).values() for source in keys.values()
    } == {"default"}
    assert {name: {*keys} for name, keys in found.items()} == {
        section.section: {*definitions(section)} for section in SECTIONS.values()
    }
