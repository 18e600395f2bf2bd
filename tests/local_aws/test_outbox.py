"""What was sent can be read: on the console, and over HTTP."""

import asyncio
import io
import json
import sys
import urllib.error
import urllib.request
import uuid
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from local_aws.outbox import CAPACITY, Delivery, Outbox, announce_on_console
from local_aws.server import LocalAws
from tests.local_aws.support import Harness


def _delivery(username: str, code: str = "482913") -> Delivery:
    return Delivery("eu_x", username, "confirmation", "email", "a@example.com", code)


def _read(aws: LocalAws, query: str) -> Any:  # noqa: ANN401 -- JSON
    url = f"{aws.endpoint_url}/local-aws/outbox{query}"
    with urllib.request.urlopen(url) as answer:  # noqa: S310 -- ours
        assert answer.headers["Content-Type"] == "application/json"
        return json.load(answer)


def test_console_has_one_line_for_a_code(capsys: pytest.CaptureFixture[str]) -> None:
    """The line names the user as typed, and has no other digits than the code's."""
    announce_on_console(_delivery("Alice"))
    assert capsys.readouterr().out == "confirmation code for Alice: 482913\n"


def test_console_shows_a_hostile_name_without_its_effect(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whatever a user is named, the line stays one line that a terminal only shows."""
    announce_on_console(_delivery("\x1b[2Ja\u202e\nb"))
    assert capsys.readouterr().out == ("confirmation code for \\x1b[2Ja\\u202e\\nb: 482913\n")


def test_console_has_the_metadata_beside_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    """Metadata follows the code, escaped as names are."""
    metadata = {"locale": "de", "x": "\x1b[2J"}
    announce_on_console(replace(_delivery("Alice"), metadata=metadata))
    line = "confirmation code for Alice: 482913 (locale: de, x: \\x1b[2J)\n"
    assert capsys.readouterr().out == line


class _Terminal(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        """Return that it is one."""
        return True


@pytest.mark.parametrize(
    ("environ", "highlighted"),
    [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_code_stands_out_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], *, highlighted: bool
) -> None:
    """A terminal shows the code inverse, unless NO_COLOR is set or it has no colours."""
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    announce_on_console(_delivery("Alice"))
    code = "\x1b[1;7m482913\x1b[0m" if highlighted else "482913"
    assert terminal.getvalue() == f"confirmation code for Alice: {code}\n"


def test_outbox_forgets_the_oldest() -> None:
    """The outbox is bounded."""
    outbox = Outbox(announce=lambda _: None)
    for number in range(CAPACITY + 1):
        outbox.deliver(_delivery("alice", str(number)))
    kept = outbox.sent(None)
    assert (len(kept), kept[0]["code"], kept[-1]["code"]) == (CAPACITY, "1", str(CAPACITY))


async def test_deliveries_of_a_user_are_listed(aws: LocalAws, harness: Harness) -> None:
    """Another process reads a user's codes, the newest last, whatever the case of the name."""
    username = await harness.sign_up()
    first = harness.mail.code(username)
    await harness.cognito.resend_confirmation_code(
        ClientId=harness.apps["public"].client_id, Username=username
    )
    found = await asyncio.to_thread(_read, aws, f"?username={username.upper()}")
    assert [mail["code"] for mail in found] == [first, harness.mail.code(username)]
    assert found[0] == {
        "user_pool_id": harness.apps["public"].pool_id,
        "username": username,
        "purpose": "confirmation",
        "attribute": "email",
        "destination": f"{username}@example.com",
        "code": first,
        "metadata": {},
    }


async def test_newest_code_is_a_line_for_shells(aws: LocalAws, harness: Harness) -> None:
    """The newest code of a user, of any name, is a line of text; without one it is 404."""
    username = await harness.sign_up(username=f"{uuid.uuid4().hex}\u00e4?")
    await harness.cognito.resend_confirmation_code(
        ClientId=harness.apps["public"].client_id, Username=username
    )
    url = f"{aws.endpoint_url}/local-aws/codes/"
    assert await asyncio.to_thread(_text, url + quote(username)) == (
        f"{harness.mail.code(username)}\n"
    )
    with pytest.raises(urllib.error.HTTPError, match="404") as raised:
        await asyncio.to_thread(_text, f"{url}nobody")
    raised.value.close()


def _text(url: str) -> str:
    with urllib.request.urlopen(url) as answer:  # noqa: S310 -- ours
        text: str = answer.read().decode()
        return text


async def test_all_deliveries_are_listed(aws: LocalAws, harness: Harness) -> None:
    """Without a name everything is listed."""
    username = await harness.sign_up()
    found = await asyncio.to_thread(_read, aws, "")
    assert found[-1]["username"] == username
    assert len(found) > 1 or harness.mail.sent[-1].username == username
