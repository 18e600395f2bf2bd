"""A client that must not learn who exists is answered alike for everybody."""

import uuid
from typing import Any

import pytest

from local_aws.cognito.directory import find_app
from local_aws.cognito.sign_in import simulation
from local_aws.cognito.state import Cognito
from tests.local_aws.support import PASSWORD, Harness, refusal, refusal_type, wrong

APP = "choice_hiding"
FACTORS = ["PASSWORD", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN", None]


def _nobody() -> str:
    return f"user-{uuid.uuid4().hex}"


def _preferring(factor: str | None) -> dict[str, str]:
    return {} if factor is None else {"PREFERRED_CHALLENGE": factor}


def _shown(answer: dict[str, Any]) -> dict[str, Any]:
    """Give what can be compared: all but the session, of which only the length counts."""
    shown = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    return shown | {"Session": len(answer["Session"])}


@pytest.mark.parametrize("factor", FACTORS)
async def test_unknown_user_gets_the_same_challenge(harness: Harness, factor: str | None) -> None:
    """Nothing in the challenge tells whether the user exists, and it is the same each time."""
    username, nobody = await harness.member("choice"), _nobody()
    known = await harness.begin(username, APP, **_preferring(factor))
    for _ in range(2):
        unknown = await harness.begin(nobody, APP, **_preferring(factor))
        assert _shown(unknown) == _shown(known)


@pytest.mark.parametrize("factor", FACTORS)
async def test_unknown_user_is_told_to_who_may_know(harness: Harness, factor: str | None) -> None:
    """A client that may know is told."""
    begun = harness.begin(_nobody(), "choice", **_preferring(factor))
    assert await refusal_type(begun) == "UserNotFoundException"


async def test_answers_of_an_unknown_user_are_refused_alike(harness: Harness) -> None:
    """Wrong codes, passwords and choices are refused in the same words, in the same session."""
    username, nobody = await harness.member("choice"), _nobody()
    outcomes = []
    for name in (username, nobody):
        begun = await harness.begin(name, APP, PREFERRED_CHALLENGE="EMAIL_OTP")
        code = wrong(harness.mail.code(username))
        said = [await refusal(harness.respond(begun, name, APP, EMAIL_OTP_CODE=code))]
        said.append(await refusal(harness.respond(begun, name, APP, EMAIL_OTP_CODE=code)))
        begun = await harness.begin(name, APP)
        said.append(await refusal(harness.respond(begun, name, APP, ANSWER="SMS_OTP")))
        given = {"ANSWER": "PASSWORD", "PASSWORD": f"{PASSWORD}!"}
        said.append(await refusal(harness.respond(begun, name, APP, **given)))
        asked = await harness.respond(begun, name, APP, ANSWER="PASSWORD")
        said.append(await refusal(harness.respond(asked, name, APP, PASSWORD=f"{PASSWORD}!")))
        outcomes.append(said)
    assert outcomes[0] == outcomes[1]
    assert [error for error, _ in outcomes[0]] == [
        "CodeMismatchException",
        "CodeMismatchException",
        "InvalidParameterException",
        "NotAuthorizedException",
        "NotAuthorizedException",
    ]


async def test_nothing_is_sent_to_an_unknown_user(harness: Harness) -> None:
    """A challenge that is simulated sends no code to whoever has the address."""
    nobody = f"{_nobody()}@example.com"
    begun = await harness.begin(nobody, APP, PREFERRED_CHALLENGE="EMAIL_OTP")
    assert begun["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"] == "u***@e***"
    assert harness.mail.count(nobody) == 0


async def test_unknown_phone_number_is_shown_masked(harness: Harness) -> None:
    """A name that is a phone number is answered as one."""
    begun = await harness.begin("+4915112345678", APP, PREFERRED_CHALLENGE="SMS_OTP")
    assert begun["ChallengeParameters"] == {
        "CODE_DELIVERY_DELIVERY_MEDIUM": "SMS",
        "CODE_DELIVERY_DESTINATION": "+*******5678",
    }


async def test_simulated_session_is_not_the_users_who_signs_up(harness: Harness) -> None:
    """Whoever takes the name later does not inherit a challenge."""
    nobody = _nobody()
    begun = await harness.begin(nobody, APP, PREFERRED_CHALLENGE="PASSWORD")
    email = f"{nobody}@example.com"
    await harness.member("choice", nobody, email=email)
    assert await refusal(harness.respond(begun, nobody, APP, PASSWORD=PASSWORD)) == (
        "NotAuthorizedException",
        "Invalid session for the user.",
    )


async def test_names_of_a_pool_that_tells_case_apart_are_apart(harness: Harness) -> None:
    """Where "Alice" and "alice" are two users, they are two unknown users too."""
    name = f"nobody-{uuid.uuid4().hex}"
    cognito = Cognito(deliver=lambda _: None, now=lambda: 0.0)
    for client, apart in (("bare_hiding", True), ("choice_hiding", False)):
        app = find_app(harness.apps[client].client_id)
        users = [simulation.find(cognito, app, spelled) for spelled in (name, name.upper())]
        assert (users[0] is not users[1]) is apart
