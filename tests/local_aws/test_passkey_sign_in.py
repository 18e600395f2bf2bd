"""A passkey signs in its user, for the challenge that was issued."""

import json
from typing import Any

import pytest

from tests.local_aws.passkey_support import registered, requested
from tests.local_aws.support import Harness, refusal, refusal_type
from tests.support.webauthn_authenticator import Authenticator, encoded

WRONG = ("NotAuthorizedException", "Incorrect username or password.")
PREFERRED = {"PREFERRED_CHALLENGE": "WEB_AUTHN"}


async def _answer(
    harness: Harness,
    challenge: dict[str, Any],
    username: str,
    credential: dict[str, Any],
    **choice: str,
) -> dict[str, Any]:
    return await harness.respond(challenge, username, CREDENTIAL=json.dumps(credential), **choice)


async def test_passkey_signs_in(harness: Harness) -> None:
    """A signature over the challenge returns tokens, once."""
    authenticator = Authenticator()
    username, access = await registered(harness, authenticator)
    begun = await harness.begin(username, **PREFERRED)
    assert begun["ChallengeName"] == "WEB_AUTHN"
    assert begun["AvailableChallenges"] == [*("PASSWORD_SRP", "PASSWORD", "EMAIL_OTP", "WEB_AUTHN")]
    wanted = requested(begun)
    assert {name: wanted[name] for name in wanted if name != "challenge"} == {
        "allowCredentials": [{"type": "public-key", "id": next(iter(authenticator.credentials))}],
        "rpId": "localhost",
        "timeout": 60_000,
        "userVerification": "preferred",
    }
    signed = authenticator.sign_in(wanted)
    answer = await _answer(harness, begun, username, signed)
    assert await harness.attributes(answer["AuthenticationResult"]["AccessToken"])
    again = _answer(harness, begun, username, signed)
    assert await refusal_type(again) == "NotAuthorizedException"
    factors = await harness.cognito.get_user_auth_factors(AccessToken=access)
    assert "WEB_AUTHN" in factors["ConfiguredUserAuthFactors"]


async def test_passkey_can_come_with_the_choice(harness: Harness) -> None:
    """SELECT_CHALLENGE includes the options, so that one response can choose and sign."""
    authenticator = Authenticator()
    username, _ = await registered(harness, authenticator)
    begun = await harness.begin(username)
    assert begun["ChallengeName"] == "SELECT_CHALLENGE"
    signed = authenticator.sign_in(requested(begun))
    answer = await _answer(harness, begun, username, signed, ANSWER="WEB_AUTHN")
    assert answer["AuthenticationResult"]["AccessToken"]


async def test_passkey_is_chosen_and_then_asked_for(harness: Harness) -> None:
    """A choice without a signature is followed by a new challenge."""
    authenticator = Authenticator()
    username, _ = await registered(harness, authenticator)
    begun = await harness.begin(username)
    asked = await harness.respond(begun, username, ANSWER="WEB_AUTHN")
    assert requested(asked)["challenge"] != requested(begun)["challenge"]
    answer = await _answer(harness, asked, username, authenticator.sign_in(requested(asked)))
    assert answer["AuthenticationResult"]["AccessToken"]


async def test_wrong_answer_leaves_the_session_open(harness: Harness) -> None:
    """A signature over another challenge is refused, and the right one is accepted afterwards."""
    authenticator = Authenticator()
    username, _ = await registered(harness, authenticator)
    begun = await harness.begin(username, **PREFERRED)
    other = await harness.begin(username, **PREFERRED)
    wrong = authenticator.sign_in(requested(other))
    assert await refusal(_answer(harness, begun, username, wrong)) == WRONG
    right = authenticator.sign_in(requested(begun))
    assert await _answer(harness, begun, username, right)


async def test_passkey_of_another_user_signs_in_nobody(harness: Harness) -> None:
    """A passkey signs in only its own user."""
    mallory = Authenticator()
    await registered(harness, mallory)
    alice, _ = await registered(harness, Authenticator())
    begun = await harness.begin(alice, **PREFERRED)
    allowed = [{"type": "public-key", "id": name} for name in mallory.credentials]
    signed = mallory.sign_in({**requested(begun), "allowCredentials": allowed})
    assert await refusal(_answer(harness, begun, alice, signed)) == WRONG


async def test_forged_signature_signs_in_nobody(harness: Harness) -> None:
    """A signature by another key is refused."""
    authentic, forger = Authenticator(), Authenticator()
    alice, _ = await registered(harness, authentic)
    await registered(harness, forger)
    begun = await harness.begin(alice, **PREFERRED)
    (name,) = authentic.credentials
    forger.credentials = {name: next(iter(forger.credentials.values()))}
    signed = forger.sign_in(requested(begun))
    signed["response"]["userHandle"] = None
    assert await refusal(_answer(harness, begun, alice, signed)) == WRONG


@pytest.mark.parametrize(
    "change",
    [
        {"rpId": "example.com"},
        {"origin": "https://example.com"},
        {"userHandle": encoded(b"somebody")},
        {"signature": encoded(b"x")},
        {"signature": None},
    ],
    ids=["relying party", "origin", "user", "signature", "none"],
)
async def test_answer_that_does_not_hold_is_refused(
    harness: Harness, change: dict[str, Any]
) -> None:
    """Every failed check is the error of a wrong password."""
    authenticator = Authenticator()
    username, _ = await registered(harness, authenticator)
    begun = await harness.begin(username, **PREFERRED)
    authenticator.origin = change.get("origin", authenticator.origin)
    signed = authenticator.sign_in({**requested(begun), **change})
    signed["response"] |= {
        name: value for name, value in change.items() if name in signed["response"]
    }
    assert await refusal(_answer(harness, begun, username, signed)) == WRONG


async def test_copy_of_an_authenticator_is_noticed(harness: Harness) -> None:
    """A signature counter that does not grow is refused."""
    authenticator = Authenticator()
    username, _ = await registered(harness, authenticator)
    for sign_count, works in ((0, True), (4, True), (4, False), (-1, False), (9, True)):
        (credential,) = authenticator.credentials.values()
        credential.sign_count = sign_count
        begun = await harness.begin(username, **PREFERRED)
        answer = _answer(harness, begun, username, authenticator.sign_in(requested(begun)))
        if works:
            assert (await answer)["AuthenticationResult"]
        else:
            assert await refusal(answer) == WRONG


async def test_authenticator_may_have_no_counter(harness: Harness) -> None:
    """A synchronised passkey, which always sends 0, signs in repeatedly."""
    authenticator = Authenticator()
    username, _ = await registered(harness, authenticator)
    (credential,) = authenticator.credentials.values()
    for _ in range(2):
        credential.sign_count = -1
        begun = await harness.begin(username, **PREFERRED)
        answer = await _answer(harness, begun, username, authenticator.sign_in(requested(begun)))
        assert answer["AuthenticationResult"]


@pytest.mark.parametrize("credential", ["no JSON", "[]", "{}"])
async def test_credential_that_is_none_is_named(harness: Harness, credential: str) -> None:
    """A malformed credential is InvalidParameterException."""
    username, _ = await registered(harness, Authenticator())
    begun = await harness.begin(username, **PREFERRED)
    answer = harness.respond(begun, username, CREDENTIAL=credential)
    assert await refusal_type(answer) == "InvalidParameterException"


async def test_deleted_passkey_opens_nothing(harness: Harness) -> None:
    """A deleted passkey is not offered, and does not satisfy an earlier challenge."""
    authenticator = Authenticator()
    username, access = await registered(harness, authenticator)
    begun = await harness.begin(username, **PREFERRED)
    (name,) = authenticator.credentials
    await harness.cognito.delete_web_authn_credential(AccessToken=access, CredentialId=name)
    signed = authenticator.sign_in(requested(begun))
    assert await refusal(_answer(harness, begun, username, signed)) == WRONG
    assert (await harness.begin(username, **PREFERRED))["ChallengeName"] == "SELECT_CHALLENGE"


async def test_passkey_of_a_former_relying_party_opens_nothing(harness: Harness) -> None:
    """Once the pool's relying party changes, its passkeys are refused, for earlier challenges too."""
    pool = await harness.cognito.create_user_pool(
        PoolName="moving",
        AutoVerifiedAttributes=["email"],
        Policies={"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"]}},
    )
    pool_id = pool["UserPool"]["Id"]
    flows: Any = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_AUTH"]
    made = await harness.cognito.create_user_pool_client(
        UserPoolId=pool_id, ClientName="c", ExplicitAuthFlows=flows
    )
    client_id = made["UserPoolClient"]["ClientId"]
    moving = Harness(
        harness.cognito,
        {"choice": type(harness.apps["choice"])(pool_id, client_id, None)},
        harness.mail,
        harness.clock,
    )
    settings: Any = {"RelyingPartyId": "localhost"}
    await harness.cognito.set_user_pool_mfa_config(
        UserPoolId=pool_id, WebAuthnConfiguration=settings
    )
    authenticator = Authenticator()
    username, _ = await registered(moving, authenticator)
    begun = await moving.begin(username, **PREFERRED)
    assert begun["ChallengeName"] == "WEB_AUTHN"
    for name in ("example.com", None):
        settings = {"RelyingPartyId": name} if name else {"UserVerification": "required"}
        await harness.cognito.set_user_pool_mfa_config(
            UserPoolId=pool_id, WebAuthnConfiguration=settings
        )
        signed = authenticator.sign_in(requested(begun))
        assert await refusal(_answer(moving, begun, username, signed)) == WRONG
        offered = await moving.begin(username, **PREFERRED)
        assert offered["AvailableChallenges"] == ["PASSWORD_SRP", "PASSWORD"]
