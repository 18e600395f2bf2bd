"""`local` serves the API with a local AWS, and the commands that it prints work literally."""

import asyncio
import json
import os
import re
import signal
import sys
import urllib.request
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any

import aiohttp
import pytest

from local_aws.saved_state.file import StateFile
from service.commands import local, local_settings
from service.commands.local import Options
from service.startup_errors import AddressUnavailable, ConfigurationUnusable, FileUnwritable
from tests.support.browser import Proof, browser
from tests_slow.commands.running import PATIENCE_S, Ended, Running, running

BEGIN = "paste these lines into another terminal:"
BEHIND = "A local load balancer listens on"
SERVICE = "with alice's USER_ID of above:"
BEHIND_SERVICE = "Users also sign in on the pages"
END = "Ctrl-C ends it"
CODE = re.compile(r"confirmation code for alice: (\d{6})$")

CURL = f"""#!{sys.executable}
import base64, sys, urllib.request
arguments = iter(sys.argv[1:])
headers, url, data, end = {{}}, None, None, b""
for argument in arguments:
    if argument == "-H":
        name, _, value = next(arguments).partition(": ")
        headers[name] = value
    elif argument == "-u":
        credentials = base64.b64encode(next(arguments).encode()).decode()
        headers["Authorization"] = f"Basic {{credentials}}"
    elif argument == "-d":
        data = next(arguments).encode()
    elif argument == "-w":
        assert next(arguments) == "\\\\n"
        end = b"\\n"
    elif argument != "-s":
        url = argument
opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
with opener.open(urllib.request.Request(url, data, headers)) as response:
    sys.stdout.buffer.write(response.read() + end)
"""

REAL_ACCOUNT = {  # variables of a developer's shell
    "ALL_PROXY": "http://127.0.0.1:1",
    "AWS_COGNITO_CLIENT_SECRET": "of-another-client",
    "AWS_CONFIG_FILE": "/nowhere/config",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:1",
    "AWS_PROFILE": "work",
    "AWS_REGION": "eu-west-1",
    "HTTPS_PROXY": "http://127.0.0.1:1",
    "IDENTITY_BEARER_CLIENT_IDS": "web ios",
    "HTTP_PROXY": "http://127.0.0.1:1",
    "http_proxy": "http://127.0.0.1:1",
}


@dataclass(frozen=True, slots=True)
class Session:
    """The output of `local`, of the printed commands pasted into a shell, and of its end."""

    url: str
    offered: dict[str, Any]
    port_is_open: bool
    printed: list[str]
    """The lines that the pasted commands print."""
    shell_errors: str
    ended: Ended
    left_nothing: bool

    @property
    def answers(self) -> list[dict[str, Any]]:
        """The printed lines, each of which is JSON."""
        return [json.loads(line) for line in self.printed]


async def _person(
    folder: Path, environ: Mapping[str, str], number: signal.Signals, *, own_curl: bool
) -> Session:
    """
    Start `local`, paste the printed lines into a shell and end it by a signal.

    The shell uses the machine's curl, and a stand-in where there is none or *own_curl* says so.
    """
    tools = folder / "bin"
    tools.mkdir()
    (tools / "curl").write_text(CURL, encoding="utf-8")
    (tools / "curl").chmod(0o755)
    paths = [str(tools), os.environ["PATH"]]
    path = os.pathsep.join(paths if own_curl else paths[::-1])
    async with running("local", folder=folder, environ=environ, measured=True) as program:
        url = (await program.until("The API listens on")).split()[4]
        await program.until(BEGIN)
        await program.until(END)
        output, errors = await _paste(_printed(program), path)
        offered = await asyncio.to_thread(_offered, url)
        ended = await program.end(number)
        port = int(url.rpartition(":")[2])
        return Session(
            url,
            offered,
            _is_open(port),
            output.splitlines(),
            errors,
            ended,
            left_nothing=program.group_is_gone(),
        )


def _offered(url: str) -> dict[str, Any]:
    """Return the sign-up and sign-in options."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{url}/api/auth/config") as response:
        offered: dict[str, Any] = json.load(response)
        return offered


def _printed(program: Running) -> str:
    """Return the lines to paste, as they are printed."""
    text = "".join(program.lines)
    of_alice = text.partition(BEGIN)[2].partition(BEHIND)[0]
    return of_alice + text.partition(SERVICE)[2].partition(BEHIND_SERVICE)[0]


async def _paste(lines: str, path: str) -> tuple[str, str]:
    """Paste the lines into a shell as one block; return its output and errors."""
    shell = await asyncio.create_subprocess_exec(
        "/bin/sh", stdin=PIPE, stdout=PIPE, stderr=PIPE, env={"PATH": path}
    )
    async with asyncio.timeout(PATIENCE_S):
        output, errors = await shell.communicate(lines.encode())
    return output.decode(), errors.decode()


def _is_open(port: int) -> bool:
    with socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(name="session", scope="module")
def _session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """Run `local` with the settings of a fresh checkout, on a free port."""
    folder = tmp_path_factory.mktemp("local")
    return asyncio.run(_person(folder, {"SERVER_PORT": "0"}, signal.SIGINT, own_curl=False))


def test_printed_lines_lead_to_the_profile(session: Session) -> None:
    """The printed commands sign alice up and in, and show her profile to her and to a service."""
    signed_up, confirmed, created, shown, shown_to_service = session.answers

    assert confirmed == {"confirmed": True}
    assert (shown["city"], shown["country"]) == ("Mumbai", "India")
    assert shown["userId"] == signed_up["userId"]
    assert shown == created == shown_to_service
    assert session.shell_errors == ""


def test_every_way_to_sign_up_is_offered(session: Session) -> None:
    """Without any setting, users sign up with or without a password, in their language."""
    assert session.offered["signUp"]["passwordless"] is True
    assert session.offered["metadata"] == ["locale"]


def test_output_is_for_a_person(session: Session) -> None:
    """The log has the console format from its first line, and standard error is empty."""
    assert "[info     ] table_created" in session.ended.output.splitlines()[0]
    assert '"event"' not in session.ended.output
    assert session.ended.errors == ""


def test_password_is_not_printed_again(session: Session) -> None:
    """No line but the printed commands has the password."""
    after = session.ended.output.partition(END)[2]

    assert "request_finished" in after
    assert "YourPass123!" not in after


def test_interrupt_ends_all(session: Session) -> None:
    """Ctrl-C ends it with status 0 at once, leaving no process and no open port."""
    assert session.ended.status == 0
    assert session.ended.took_s < 5
    assert session.left_nothing
    assert not session.port_is_open


def test_only_this_machine_is_served(session: Session) -> None:
    """By default the API of `local` listens on loopback only."""
    assert session.url.startswith("http://localhost:")
    assert not session.url.endswith(":8080")


def test_real_account_does_not_get_in_between(tmp_path: Path) -> None:
    """Proxies, profiles, endpoints and secrets of a real account are ignored; SIGTERM ends it."""
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("not an INI file", encoding="utf-8")
    environ = {**REAL_ACCOUNT, "SERVER_PORT": "0", "LOG_FORMAT": "json", "LOG_LEVEL": "debug"}
    session = asyncio.run(_person(tmp_path, environ, signal.SIGTERM, own_curl=True))

    assert [answer.get("city") for answer in session.answers] == [None, None, *["Mumbai"] * 3]
    assert (session.ended.status, session.ended.errors) == (0, "")
    assert session.ended.took_s < 5
    first = json.loads(session.ended.output.splitlines()[0])
    assert first["event"] == "table_created"


async def test_federated_sign_in_is_offered(tmp_path: Path) -> None:
    """Without a setting, a browser signs in with the stand-in of a provider, and gets tokens."""
    uri, proof = "http://localhost:3000/callback", Proof()
    asked = {"redirectUri": uri, "codeChallenge": proof.challenge, "state": proof.state}
    async with (
        running("local", folder=tmp_path, environ={"SERVER_PORT": "0"}, measured=True) as program,
        browser() as opened,
    ):
        url = (await program.until("The API listens on")).split()[4]
        federated = f"{url}/api/auth/federated"
        async with opened.session.post(federated, json=asked) as answer:
            begun = await answer.json()
        page = await opened.open(begun["url"])
        provider = await opened.open(page.link("Sign in with LocalIdP"))
        arrived = await opened.submit(provider, email="carol@example.com")
        code = arrived.query["code"]
        exchange = {"redirectUri": uri, "code": code, "codeVerifier": proof.verifier}
        async with opened.session.post(f"{federated}/tokens", json=exchange) as answer:
            status, tokens = answer.status, await answer.json()
        await program.end(signal.SIGINT)

    assert arrived.url.startswith(uri)
    assert (status, tokens["tokenType"]) == (200, "Bearer")


@pytest.mark.usefixtures("process_restored")
def test_port_of_the_environment_is_taken(tmp_path: Path) -> None:
    """SERVER_PORT is used; a taken one is named."""
    with socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AddressUnavailable, match=rf"Cannot listen on 127\.0\.0\.1:{port}: "):
            local.run(None, {"SERVER_PORT": str(port)}, Options(tmp_path))


@pytest.mark.usefixtures("process_restored")
def test_host_of_a_file_is_not_taken_over(tmp_path: Path) -> None:
    """The host of the file is ignored; that of the environment is used."""
    path = tmp_path / "config.ini"
    path.write_text(
        "[server]\nhost = 198.51.100.1\nport = 1\n[log]\nlevel = error\n", encoding="utf-8"
    )
    with socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with pytest.raises(AddressUnavailable, match=r"Cannot listen on 127\.0\.0\.1"):
            local.run(path, {"SERVER_PORT": port}, Options(tmp_path))
        environ = {"SERVER_PORT": port, "SERVER_HOST": "0.0.0.0"}  # noqa: S104 -- it is taken
        with pytest.raises(AddressUnavailable, match=r"Cannot listen on 0\.0\.0\.0"):
            local.run(path, environ, Options(tmp_path))


@pytest.mark.usefixtures("process_restored")
def test_address_that_is_not_ours_is_told(tmp_path: Path) -> None:
    """An address of another machine is refused with the setting to change."""
    environ = {"SERVER_PORT": "0", "SERVER_HOST": "198.51.100.1"}
    with pytest.raises(
        AddressUnavailable, match=r"Cannot listen on 198\.51\.100\.1: .*SERVER_HOST"
    ):
        local.run(None, environ, Options(tmp_path))


def test_unusable_setting_is_named(tmp_path: Path) -> None:
    """A wrong setting is named before anything is created."""
    with pytest.raises(ConfigurationUnusable, match=r"SERVER_PORT\): Not a valid integer"):
        local.run(None, {"SERVER_PORT": "many"}, Options(tmp_path / "data"))

    assert [*tmp_path.iterdir()] == []


@pytest.mark.usefixtures("process_restored")
def test_port_of_the_local_aws_is_taken(tmp_path: Path) -> None:
    """A taken --aws-port is named in one sentence, with the option to change."""
    with socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            AddressUnavailable, match=rf"listen on 127\.0\.0\.1:{port}: .*--aws-port"
        ):
            local.run(None, {"SERVER_PORT": "0"}, Options(tmp_path, aws_port=port))


@pytest.mark.usefixtures("process_restored")
def test_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """A file where the folder should be, and a folder in use, are named in one sentence."""
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(FileUnwritable, match=rf"The folder {file} cannot be used"):
        local.run(None, {"SERVER_PORT": "0"}, Options(file))
    with (
        closing(StateFile(tmp_path / "data")),
        pytest.raises(FileUnwritable, match="is in use by another local AWS"),
    ):
        local.run(None, {"SERVER_PORT": "0"}, Options(tmp_path / "data"))


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://localhost:8080"),
        ("0.0.0.0", "http://localhost:8080"),  # noqa: S104 -- compared
        ("::", "http://localhost:8080"),
        ("::1", "http://[::1]:8080"),
        ("192.168.1.2", "http://192.168.1.2:8080"),
    ],
)
def test_printed_address_can_be_opened(host: str, url: str) -> None:
    """The printed address can be opened in a browser on this machine."""
    assert local_settings.url(host, 8080) == url


def test_data_survive_a_kill_and_a_new_start(tmp_path: Path) -> None:
    """What was answered before SIGKILL is there at the next start; --fresh removes it."""
    before, after, fresh = asyncio.run(_restarted(tmp_path))

    assert (before.page_origin, before.profile["city"]) == ("http://localhost:5173", "Mumbai")
    assert after.profile == before.profile
    assert fresh.profile["code"] == "invalid_credentials"


@dataclass(frozen=True, slots=True)
class Start:
    """What one start of `local` answers: alice's profile, by her sign-in."""

    profile: dict[str, Any]
    page_origin: str | None
    warned: bool
    """Whether a file that cannot be read was named."""


async def _restarted(folder: Path) -> tuple[Start, Start, Start]:
    first = await _start(folder, signs_up=True)
    (folder / ".local/aws.jsonl").chmod(0o640)  # as a copy has it
    second = await _start(folder)
    assert (folder / ".local/aws.jsonl").stat().st_mode & 0o777 == 0o600
    fresh = await _start(folder, "--fresh")
    (folder / ".local/aws.jsonl").write_text("damaged", encoding="utf-8")
    damaged = await _start(folder)
    assert (damaged.warned, fresh.warned, second.warned) == (True, False, False)
    assert (folder / ".local/aws.jsonl.unreadable-1").exists()
    return first, second, fresh


async def _start(folder: Path, *options: str, signs_up: bool = False) -> Start:
    origin = {"Origin": "http://localhost:5173"}
    environ = {"SERVER_PORT": "0"}
    async with (
        running("local", *options, folder=folder, environ=environ, measured=True) as program,
        aiohttp.ClientSession() as page,
    ):
        url = (await program.until("The API listens on")).split()[4]
        await program.until(END)
        warned = "saved_state_unreadable" in "".join(program.lines)
        if signs_up:
            await page.post(
                f"{url}/api/auth/signup",
                json={**ALICE, "attributes": {"email": "alice@example.com"}},
            )
            match = CODE.search((await program.until("confirmation code for alice: ")).strip())
            assert match is not None
            await page.post(f"{url}/api/auth/confirm", json={"username": "alice", "code": match[1]})
        async with page.post(f"{url}/api/auth/login", json=ALICE, headers=origin) as answer:
            signed_in = await answer.json()
        if "accessToken" not in signed_in:
            await program.end(signal.SIGTERM)
            return Start(signed_in, None, warned)
        headers = {"Authorization": f"Bearer {signed_in['accessToken']}", **origin}
        profile_url = f"{url}/v1/user/profile"
        if signs_up:
            await page.post(profile_url, json={"city": "Mumbai"}, headers=headers)
        async with page.get(profile_url, headers=headers) as answer:
            profile = await answer.json()
            allowed = answer.headers.get("Access-Control-Allow-Origin")
        await program.end(signal.SIGKILL if signs_up else signal.SIGTERM)
        return Start(profile, allowed, warned)


ALICE = {"username": "alice", "password": "YourPass123!"}
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}


async def test_page_has_its_refresh_token_in_a_cookie(tmp_path: Path) -> None:
    """Without a setting, pages use the cookie over plain HTTP, and programs get bodies."""
    async with (
        running("local", folder=tmp_path, environ={"SERVER_PORT": "0"}, measured=True) as program,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser,
    ):
        announced = await program.until("refresh_cookie_without_secure")
        url = (await program.until("The API listens on")).split()[4]
        url = f"{url.replace('localhost', '127.0.0.1')}/api/auth"
        account = {**ALICE, "attributes": {"email": "alice@example.com"}}
        await browser.post(f"{url}/signup", json=account)
        match = CODE.search((await program.until("confirmation code for alice: ")).strip())
        assert match is not None
        await browser.post(f"{url}/confirm", json={"username": "alice", "code": match[1]})

        by_program = await browser.post(f"{url}/login", json=ALICE)
        of_program = len(browser.cookie_jar)
        by_page = await browser.post(f"{url}/login", json=ALICE, headers=OWN_PAGE)
        values = [cookie.value for cookie in browser.cookie_jar]
        refreshed = await browser.post(f"{url}/refresh", headers=OWN_PAGE)
        values += [cookie.value for cookie in browser.cookie_jar]
        (cookie,) = browser.cookie_jar
        no_page = await browser.post(f"{url}/refresh")
        logged_out = await browser.post(f"{url}/logout", headers=OWN_PAGE)
        config = await (await browser.get(f"{url}/config")).json()
        bodies = [await answer.json() for answer in (by_program, by_page, refreshed)]
        ended = await program.end(signal.SIGINT)

    assert "localhost" in announced
    assert ["refreshToken" in body for body in bodies] == [True, False, False]
    assert (of_program, len(browser.cookie_jar)) == (0, 0)
    assert (cookie.key, cookie["secure"], cookie["httponly"]) == ("refresh", "", True)
    assert len({*values}) == 2
    assert (refreshed.status, no_page.status, logged_out.status) == (200, 403, 204)
    assert config["refreshCookie"] is True
    assert [value for value in values if value in ended.output] == []
