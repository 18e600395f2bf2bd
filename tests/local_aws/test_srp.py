"""A user who proves the password by SRP signs in; nobody else does."""

from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

import pytest

from local_aws.cognito.sign_in.srp import N, encoded
from tests.local_aws.support import PASSWORD, Harness, refusal, refusal_type
from tests.support.srp_client import SrpClient, padded

WRONG = ("NotAuthorizedException", "Incorrect username or password.")


def _begin(harness: Harness, username: str, public: str, app: str = "srp") -> Awaitable[Any]:
    client = harness.apps[app]
    parameters = {"USERNAME": username, "SRP_A": public}
    if client.secret is not None:
        parameters["SECRET_HASH"] = client.hash(username)
    return harness.cognito.initiate_auth(
        ClientId=client.client_id, AuthFlow="USER_SRP_AUTH", AuthParameters=parameters
    )


def _prove(harness: Harness, answer: dict[str, str], app: str = "srp") -> Awaitable[Any]:
    client = harness.apps[app]
    if client.secret is not None:
        answer = {**answer, "SECRET_HASH": client.hash(answer["USERNAME"])}
    return harness.cognito.respond_to_auth_challenge(
        ClientId=client.client_id, ChallengeName="PASSWORD_VERIFIER", ChallengeResponses=answer
    )


def _client(harness: Harness, app: str = "srp", password: str = PASSWORD) -> SrpClient:
    return SrpClient(harness.apps[app].pool_id, password)


async def _asked(harness: Harness, username: str, client: SrpClient, app: str = "srp") -> Any:  # noqa: ANN401 -- JSON
    return await _begin(harness, username, client.public, app)


@pytest.mark.parametrize("app", ["srp", "srp_secret", "srp_email"])
async def test_password_is_proved(harness: Harness, app: str) -> None:
    """A client that knows the password gets tokens, also with a secret and by an e-mail address."""
    given = "x@example.com" if app == "srp_email" else None
    username = await harness.member(app, given) if given else await _member(harness, app)
    client = _client(harness, app)
    asked = await _asked(harness, username, client, app)

    assert asked["ChallengeName"] == "PASSWORD_VERIFIER"
    assert "Session" not in asked
    shown = asked["ChallengeParameters"]
    assert shown.keys() == {"SALT", "SECRET_BLOCK", "SRP_B", "USERNAME", "USER_ID_FOR_SRP"}
    signed_in = await _prove(harness, client.answer(shown), app)
    assert "RefreshToken" in signed_in["AuthenticationResult"]
    again = (await _asked(harness, username, client, app))["ChallengeParameters"]
    assert again["SALT"] == shown["SALT"]
    assert again["SRP_B"] != shown["SRP_B"]


async def _member(harness: Harness, app: str) -> str:
    """Return a confirmed user: the public client of the same pool signs it up."""
    return await harness.member("public" if app == "srp_secret" else app)


async def test_administrator_begins_too(harness: Harness) -> None:
    """AdminInitiateAuth and AdminRespondToAuthChallenge take SRP as well."""
    username, app = await harness.member("srp"), harness.apps["srp"]
    client = _client(harness)
    ids: Any = {"UserPoolId": app.pool_id, "ClientId": app.client_id}
    asked = await harness.cognito.admin_initiate_auth(
        **ids,
        AuthFlow="USER_SRP_AUTH",
        AuthParameters={"USERNAME": username, "SRP_A": client.public},
    )
    signed_in = await harness.cognito.admin_respond_to_auth_challenge(
        **ids,
        ChallengeName="PASSWORD_VERIFIER",
        ChallengeResponses=client.answer(asked["ChallengeParameters"]),
    )
    assert "AccessToken" in signed_in["AuthenticationResult"]


async def test_wrong_password_is_refused_and_counted(harness: Harness) -> None:
    """A wrong password proves nothing, and the fifth locks the user."""
    username = await harness.member("srp")
    client = _client(harness, password="Wrong-passw0rd")  # noqa: S106 -- wrong
    for _ in range(5):
        shown = (await _asked(harness, username, client))["ChallengeParameters"]
        assert await refusal(_prove(harness, client.answer(shown))) == WRONG
    right = _client(harness)
    shown = (await _asked(harness, username, right))["ChallengeParameters"]
    locked = ("NotAuthorizedException", "Password attempts exceeded")
    assert await refusal(_prove(harness, right.answer(shown))) == locked


async def test_proof_is_valid_once(harness: Harness) -> None:
    """A proof that somebody recorded signs nobody in a second time."""
    username, client = await harness.member("srp"), _client(harness)
    answer = client.answer((await _asked(harness, username, client))["ChallengeParameters"])
    await _prove(harness, answer)
    assert await refusal(_prove(harness, answer)) == WRONG


@pytest.mark.parametrize(
    "public", ["0", "0" * 700, f"{N:x}", f"{2 * N:X}", "xyz", "-1", "1_0", " 1"]
)
async def test_public_value_outside_the_group_is_refused(harness: Harness, public: str) -> None:
    """A value that makes the key independent of the password, or that is no number, is refused."""
    username = await harness.member("srp")
    assert await refusal_type(_begin(harness, username, public)) == "InvalidParameterException"


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("Sun Mar 1 09:05:07 UTC 2026", None),
        ("Sun Mar 01 09:05:07 UTC 2026", "NotAuthorizedException"),
        ("Mon Mar 1 09:05:07 UTC 2026", "NotAuthorizedException"),
        ("Sun Mar 1 09:05:07 IST 2026", "InvalidParameterException"),
        ("dim. mars 1 09:05:07 UTC 2026", "InvalidParameterException"),
        ("2026-03-01T09:05:07Z", "InvalidParameterException"),
    ],
)
async def test_timestamp_has_one_form(harness: Harness, text: str, refused: str | None) -> None:
    """A time in another form is named, one that Cognito writes otherwise has another signature."""
    username, client = await harness.member("srp"), _client(harness)
    shown = (await _asked(harness, username, client))["ChallengeParameters"]
    call = _prove(harness, client.answer(shown, text=text))
    if refused is None:
        assert "AuthenticationResult" in await call
    else:
        assert await refusal_type(call) == refused


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"PASSWORD_CLAIM_SIGNATURE": "AAAA"}, "NotAuthorizedException"),
        ({"PASSWORD_CLAIM_SIGNATURE": "%"}, "InvalidParameterException"),
        ({"PASSWORD_CLAIM_SIGNATURE": "ä"}, "InvalidParameterException"),
        ({"PASSWORD_CLAIM_SECRET_BLOCK": "AAAA"}, "NotAuthorizedException"),
        ({"PASSWORD_CLAIM_SECRET_BLOCK": ""}, "InvalidParameterException"),
        ({"TIMESTAMP": ""}, "InvalidParameterException"),
        ({"USERNAME": "somebody-else"}, "NotAuthorizedException"),
    ],
)
async def test_changed_proof_is_refused(
    harness: Harness, change: dict[str, str], refused: str
) -> None:
    """Each part of the response counts."""
    username, client = await harness.member("srp"), _client(harness)
    answer = client.answer((await _asked(harness, username, client))["ChallengeParameters"])
    assert await refusal_type(_prove(harness, answer | change)) == refused


async def test_user_that_may_not_sign_in_is_refused_after_the_proof(harness: Harness) -> None:
    """Only who proves the password learns that the user is not confirmed, disabled or reset."""
    username, client = await harness.sign_up("srp"), _client(harness)
    ids: Any = {"UserPoolId": harness.apps["srp"].pool_id, "Username": username}

    async def proved() -> str:
        shown = (await _asked(harness, username, client))["ChallengeParameters"]
        return await refusal_type(_prove(harness, client.answer(shown)))

    assert await proved() == "UserNotConfirmedException"
    await harness.confirm(username, "srp")
    await harness.cognito.admin_disable_user(**ids)
    assert await proved() == "NotAuthorizedException"
    await harness.cognito.admin_enable_user(**ids)
    await harness.cognito.admin_reset_user_password(**ids)
    assert await proved() == "PasswordResetRequiredException"


async def test_second_factor_follows(harness: Harness) -> None:
    """A user with an authenticator app is asked for its code after the proof."""
    username, access, _ = await harness.enrolled("srp_mfa")
    await harness.cognito.set_user_mfa_preference(
        AccessToken=access, SoftwareTokenMfaSettings={"Enabled": True}
    )
    client = _client(harness, "srp_mfa")
    shown = (await _asked(harness, username, client, "srp_mfa"))["ChallengeParameters"]
    asked = await _prove(harness, client.answer(shown), "srp_mfa")
    assert asked["ChallengeName"] == "SOFTWARE_TOKEN_MFA"


@pytest.mark.parametrize("app", ["srp_hiding", "srp_email_hiding"])
async def test_missing_user_is_simulated(harness: Harness, app: str) -> None:
    """Where the client hides users, a missing one gets the same challenge and the same refusal."""
    client = _client(harness, app)
    asked = [(await _asked(harness, "nobody@example.com", client, app)) for _ in range(2)]
    first, second = (each["ChallengeParameters"] for each in asked)
    assert first["SALT"] == second["SALT"]
    assert (first["USER_ID_FOR_SRP"] == "nobody@example.com") is (app == "srp_hiding")
    assert await refusal(_prove(harness, client.answer(second), app)) == WRONG


async def test_missing_user_is_named_where_that_is_allowed(harness: Harness) -> None:
    """Where the client does not hide users, the first call names a missing one."""
    call = _begin(harness, "nobody", _client(harness).public)
    assert await refusal_type(call) == "UserNotFoundException"


async def test_user_without_a_password_proves_none(harness: Harness) -> None:
    """A user who signs in by codes has a challenge like others, which nothing answers."""
    app = harness.apps["choice"]
    name = "codes-only"
    await harness.cognito.sign_up(
        ClientId=app.client_id,
        Username=name,
        UserAttributes=[{"Name": "email", "Value": "codes-only@example.com"}],
    )
    await harness.confirm(name, "choice")
    client = _client(harness, "choice_srp", password="")
    shown = (await _asked(harness, name, client, "choice_srp"))["ChallengeParameters"]
    assert await refusal(_prove(harness, client.answer(shown), "choice_srp")) == WRONG


@pytest.mark.parametrize("way", ["preferred", "preferred later", "selected", "selected later"])
async def test_password_is_proved_in_a_choice(harness: Harness, way: str) -> None:
    """PASSWORD_SRP is a choice wherever the password is one, with SRP_A at once or in a response."""
    username, client = await harness.member("choice"), _client(harness, "choice")
    public = {"SRP_A": client.public}
    later = {} if way.endswith("later") else public
    if way.startswith("preferred"):
        asked = await harness.begin(username, PREFERRED_CHALLENGE="PASSWORD_SRP", **later)
    else:
        begun = await harness.begin(username)
        asked = await harness.respond(begun, username, ANSWER="PASSWORD_SRP", **later)
    if way.endswith("later"):
        assert asked["ChallengeName"] == "PASSWORD_SRP"
        asked = await harness.respond(asked, username, **public)
    answer = client.answer(asked["ChallengeParameters"])
    del answer["USERNAME"]

    assert "AuthenticationResult" in await harness.respond(asked, username, **answer)


async def test_proof_belongs_to_its_session(harness: Harness) -> None:
    """In a choice-based sign-in the secret block must be that of the session."""
    username, client = await harness.member("choice"), _client(harness, "choice")
    one, other = [
        await harness.begin(username, PREFERRED_CHALLENGE="PASSWORD_SRP", SRP_A=client.public)
        for _ in range(2)
    ]
    answer = client.answer(one["ChallengeParameters"])
    del answer["USERNAME"]
    assert await refusal(harness.respond(other, username, **answer)) == WRONG


@pytest.mark.parametrize("number", [0, 1, 127, 128, 255, 256, 2**3_072 - 1])
def test_numbers_are_hashed_as_clients_hash_them(number: int) -> None:
    """The server's encoding is that of amazon-cognito-identity-js."""
    assert encoded(number) == padded(number)


def test_other_private_value_has_another_key() -> None:
    """Two sign-ins of one client share no value."""
    client = SrpClient("eu_x", PASSWORD)
    assert replace(client, private=client.private + 1).public != client.public
