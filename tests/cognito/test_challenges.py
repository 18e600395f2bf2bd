"""The ChallengeResponses of each challenge."""

from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from service.cognito.challenge_responses import RESPONSES
from service.domain.errors import CodeMismatch, FeatureUnavailable, InvalidFields, UpstreamFault
from service.domain.identity_provider import IdentityProvider
from service.domain.mfa import EMAIL, SMS, TOTP
from service.domain.sessions import Challenge, ChallengeAnswer
from tests.cognito.calls import CALLS, CLIENT, CODE, NEW_PASSWORD, PASSWORD, USERNAME, operation_of
from tests.cognito.conftest import Providing
from tests.cognito.test_requests import SECRET, hash_over
from tests.support.cognito_answers import SESSION, TOTP_SECRET
from tests.support.scripted_cognito import ScriptedCognito, success

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREDENTIAL = '{"id": "a-credential"}'
USER_ID = "the-user-id-for-srp"  # the name in a challenge, which need not be the typed one
EVERYTHING: dict[str, Any] = {
    "code": CODE,
    "new_password": NEW_PASSWORD,
    "choice": "PASSWORD",
    "password": PASSWORD,
    "credential": CREDENTIAL,
}
CASES: list[tuple[ChallengeAnswer, dict[str, str]]] = [
    (ChallengeAnswer("CUSTOM_CHALLENGE", SESSION, USER_ID, code=CODE), {"ANSWER": CODE}),
    (ChallengeAnswer("EMAIL_OTP", SESSION, USER_ID, code=CODE), {"EMAIL_OTP_CODE": CODE}),
    (ChallengeAnswer("PASSWORD", SESSION, USER_ID, password=PASSWORD), {"PASSWORD": PASSWORD}),
    (ChallengeAnswer("SMS_MFA", SESSION, USER_ID, code=CODE), {"SMS_MFA_CODE": CODE}),
    (ChallengeAnswer("SMS_OTP", SESSION, USER_ID, code=CODE), {"SMS_OTP_CODE": CODE}),
    (
        ChallengeAnswer("SOFTWARE_TOKEN_MFA", SESSION, USER_ID, code=CODE),
        {"SOFTWARE_TOKEN_MFA_CODE": CODE},
    ),
    (
        ChallengeAnswer("WEB_AUTHN", SESSION, USER_ID, credential=CREDENTIAL),
        {"CREDENTIAL": CREDENTIAL},
    ),
    (ChallengeAnswer("SELECT_MFA_TYPE", SESSION, USER_ID, choice="SMS_MFA"), {"ANSWER": "SMS_MFA"}),
    (
        ChallengeAnswer("SELECT_CHALLENGE", SESSION, USER_ID, choice="EMAIL_OTP"),
        {"ANSWER": "EMAIL_OTP"},
    ),
    (
        ChallengeAnswer("SELECT_CHALLENGE", SESSION, USER_ID, choice="PASSWORD", password=PASSWORD),
        {"ANSWER": "PASSWORD", "PASSWORD": PASSWORD},
    ),
    (
        ChallengeAnswer(
            "SELECT_CHALLENGE", SESSION, USER_ID, choice="WEB_AUTHN", credential=CREDENTIAL
        ),
        {"ANSWER": "WEB_AUTHN", "CREDENTIAL": CREDENTIAL},
    ),
    (
        ChallengeAnswer("NEW_PASSWORD_REQUIRED", SESSION, USER_ID, new_password=NEW_PASSWORD),
        {"NEW_PASSWORD": NEW_PASSWORD},
    ),
    (
        ChallengeAnswer(
            "NEW_PASSWORD_REQUIRED",
            SESSION,
            USER_ID,
            new_password=NEW_PASSWORD,
            attributes={"name": "Alice", "custom:team": "blue"},
        ),
        {
            "NEW_PASSWORD": NEW_PASSWORD,
            "userAttributes.name": "Alice",
            "userAttributes.custom:team": "blue",
        },
    ),
]


@pytest.mark.parametrize("secret", [None, SECRET], ids=["public", "with a secret"])
@pytest.mark.parametrize(("answer", "expected"), CASES)
async def test_challenge_takes_its_documented_responses(
    answer: ChallengeAnswer,
    expected: dict[str, str],
    secret: str | None,
    providing: Providing,
    cognito: ScriptedCognito,
) -> None:
    """A challenge is answered under its own names; the proof is over the name in the same answer."""
    provider = providing(secret, False)  # noqa: FBT003 -- it sends no addresses
    await provider.sessions.answer(answer, CLIENT)

    proof = {} if secret is None else {"SECRET_HASH": hash_over(USER_ID)}
    sent = cognito.arguments("RespondToAuthChallenge")
    assert (sent["ChallengeName"], sent["Session"]) == (answer.name, SESSION)
    assert sent["ChallengeResponses"] == {"USERNAME": USER_ID, **proof, **expected}


async def test_every_challenge_is_tried() -> None:
    """Each challenge that can be answered is answered here, MFA_SETUP below."""
    assert {answer.name for answer, _ in CASES} == set(RESPONSES) - {"MFA_SETUP"}


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("PASSWORD", {"PASSWORD"}),
        ("WEB_AUTHN", {"CREDENTIAL"}),
        ("SMS_MFA", {"SMS_MFA_CODE"}),
        ("NEW_PASSWORD_REQUIRED", {"NEW_PASSWORD"}),
    ],
)
async def test_challenge_takes_nothing_else(
    name: str, members: set[str], provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """Values that a challenge does not take are not sent."""
    await provider.sessions.answer(ChallengeAnswer(name, SESSION, USERNAME, **EVERYTHING), CLIENT)

    responses = cognito.arguments("RespondToAuthChallenge")["ChallengeResponses"]
    assert set(responses) == {"USERNAME"} | members


def set_up(*, choice: str | None = None, code: str | None = None) -> ChallengeAnswer:
    """Return an answer to MFA_SETUP."""
    return ChallengeAnswer("MFA_SETUP", SESSION, USERNAME, choice=choice, code=code)


@pytest.mark.parametrize("choice", [None, SMS, EMAIL])
async def test_only_an_app_can_be_set_up(
    choice: str | None, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A set-up of another factor, or without a code, is rejected without a call."""
    with pytest.raises(InvalidFields):
        await provider.sessions.answer(set_up(choice=choice), CLIENT)

    assert cognito.operations == []


async def test_app_is_set_up_by_two_answers(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """MFA_SETUP gives the app's secret first, takes its code then; each under the newest session."""
    second, third = "the second session of it", "the third session of it"
    cognito.answers(
        "AssociateSoftwareToken", success({"SecretCode": TOTP_SECRET, "Session": second})
    )
    cognito.answers("VerifySoftwareToken", success({"Status": "SUCCESS", "Session": third}))

    asked = await provider.sessions.answer(set_up(choice=TOTP), CLIENT)
    assert isinstance(asked, Challenge)
    assert asked == Challenge("MFA_SETUP", second, {"SECRET_CODE": TOTP_SECRET})
    await provider.sessions.answer(replace(set_up(code=CODE), session=second), CLIENT)

    assert cognito.arguments("AssociateSoftwareToken") == {"Session": SESSION}
    assert cognito.arguments("VerifySoftwareToken") == {"Session": second, "UserCode": CODE}
    assert cognito.arguments("RespondToAuthChallenge")["Session"] == third


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("AssociateSoftwareToken", {"SecretCode": TOTP_SECRET}),
        ("AssociateSoftwareToken", {"Session": SESSION}),
        ("VerifySoftwareToken", {"Status": "SUCCESS"}),
        ("VerifySoftwareToken", {"Session": SESSION}),
    ],
    ids=["no session to go on", "no secret", "no session at the end", "no status"],
)
async def test_incomplete_set_up_is_a_fault(
    operation: str,
    answer: dict[str, str],
    provider: IdentityProvider,
    cognito: ScriptedCognito,
) -> None:
    """A response without the values of the next step is a fault."""
    cognito.answers(operation, success(answer))
    code = CODE if operation == "VerifySoftwareToken" else None

    with pytest.raises(UpstreamFault):
        await provider.sessions.answer(set_up(choice=TOTP, code=code), CLIENT)

    assert cognito.operations == [operation]


async def test_unsuccessful_set_up_is_a_wrong_code(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A status that is not SUCCESS does not sign in."""
    cognito.answers("VerifySoftwareToken", success({"Status": "ERROR", "Session": SESSION}))

    with pytest.raises(CodeMismatch):
        await provider.sessions.answer(set_up(code=CODE), CLIENT)

    assert cognito.operations == ["VerifySoftwareToken"]


@pytest.mark.parametrize("call", ["InitiateAuth", "InitiateAuth/begin", "RespondToAuthChallenge"])
@pytest.mark.parametrize(
    "name",
    ["DEVICE_SRP_AUTH", "DEVICE_PASSWORD_VERIFIER", "PASSWORD_VERIFIER", "ADMIN_NO_SRP_AUTH"],
)
async def test_challenge_that_cannot_be_answered_is_unavailable(
    call: str, name: str, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A client gets no challenge that the service would refuse the answer to; the log names it."""
    cognito.answers(operation_of(call), success({"ChallengeName": name, "Session": SESSION}))

    with capture_logs() as lines, pytest.raises(FeatureUnavailable) as raised:
        await CALLS[call](provider)

    assert "step" in raised.value.public_detail
    (line,) = (line for line in lines if line["event"] == "challenge_not_supported")
    assert line["challenge"] == name
