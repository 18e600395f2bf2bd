"""The contract of sign-in by passkey."""

import json

import pytest

from service.domain.errors import (
    FeatureUnavailable,
    InvalidCredentials,
    InvalidFields,
    MfaNotConfigured,
    PasskeyRejected,
)
from service.domain.mfa import PASSKEY, TOTP, MfaPreferences
from service.domain.sessions import Challenge
from tests.contracts.authenticator_app import enrolled
from tests.contracts.support import Stage, challenge, signed_in
from tests.support.fakes.user_pool_rules import PoolRules
from tests.support.webauthn_authenticator import Authenticator

ORIGIN = "https://accounts.example.com"
CHOOSING = pytest.mark.parametrize(
    "rules",
    [PoolRules(first_factors=("PASSWORD", "WEB_AUTHN"), relying_party="example.com")],
    ids=["passkeys"],
)
BOTH_FACTORS = pytest.mark.parametrize(
    "rules",
    [
        PoolRules(
            first_factors=("PASSWORD", "WEB_AUTHN"),
            relying_party="example.com",
            passkeys_are_both_factors=True,
            mfa="OPTIONAL",
            second_factors=(TOTP,),
        )
    ],
    ids=["both factors"],
)


async def _with_passkey(stage: Stage) -> tuple[str, Authenticator]:
    """Return a user with a passkey."""
    username, authenticator = await stage.member(), Authenticator(ORIGIN)
    token = await stage.access_token(username)
    options = await stage.provider.passkeys.registration_options(token)
    await stage.provider.passkeys.register(token, authenticator.register(options))
    return username, authenticator


def _signed(asked: Challenge, authenticator: Authenticator) -> str:
    """Return the authenticator's answer to the challenge."""
    options = json.loads(asked.parameters["CREDENTIAL_REQUEST_OPTIONS"])
    return json.dumps(authenticator.sign_in(options))


@CHOOSING
async def test_passkey_is_required(stage: Stage) -> None:
    """The challenge lists the user's passkeys, and a signature of one completes it."""
    username, authenticator = await _with_passkey(stage)

    asked = await stage.begin(username, "WEB_AUTHN")

    assert asked.name == "WEB_AUTHN"
    credential = _signed(asked, authenticator)
    signed_in(await stage.answer(asked, username, credential=credential))


@CHOOSING
async def test_passkey_comes_with_the_choice(stage: Stage) -> None:
    """The list of choices contains the challenge of a passkey, which can be the answer."""
    username, authenticator = await _with_passkey(stage)
    asked = await stage.begin(username)
    assert "WEB_AUTHN" in asked.available

    credential = _signed(asked, authenticator)

    signed_in(await stage.answer(asked, username, choice="WEB_AUTHN", credential=credential))


@CHOOSING
async def test_passkey_is_asked_for_where_it_was_chosen(stage: Stage) -> None:
    """A choice without its answer leads to a challenge of its own."""
    username, authenticator = await _with_passkey(stage)
    offered = await stage.begin(username)

    asked = challenge(await stage.answer(offered, username, choice="WEB_AUTHN"), "WEB_AUTHN")

    credential = _signed(asked, authenticator)
    signed_in(await stage.answer(asked, username, credential=credential))


@CHOOSING
async def test_signature_of_another_challenge_is_rejected(stage: Stage) -> None:
    """A signature is valid once."""
    username, authenticator = await _with_passkey(stage)
    credential = _signed(await stage.begin(username, "WEB_AUTHN"), authenticator)
    asked = await stage.begin(username, "WEB_AUTHN")

    with pytest.raises(InvalidCredentials):
        await stage.answer(asked, username, credential=credential)


@CHOOSING
async def test_passkey_of_somebody_else_is_refused(stage: Stage) -> None:
    """A passkey opens its own user's account."""
    username, _ = await _with_passkey(stage)
    _, authenticator = await _with_passkey(stage)
    asked = await stage.begin(username, "WEB_AUTHN")
    options = json.loads(asked.parameters["CREDENTIAL_REQUEST_OPTIONS"])
    allowed = [{"type": "public-key", "id": name} for name in authenticator.credentials]
    credential = authenticator.sign_in({**options, "allowCredentials": allowed})

    with pytest.raises(InvalidCredentials):
        await stage.answer(asked, username, credential=json.dumps(credential))


@CHOOSING
@pytest.mark.parametrize("credential", ["{}", "no JSON"], ids=["empty", "no JSON"])
async def test_malformed_passkey_is_rejected(stage: Stage, credential: str) -> None:
    """A malformed credential is rejected, and the challenge stays open."""
    username, authenticator = await _with_passkey(stage)
    asked = await stage.begin(username, "WEB_AUTHN")
    with pytest.raises(InvalidFields):
        await stage.answer(asked, username, credential=credential)

    signed_in(await stage.answer(asked, username, credential=_signed(asked, authenticator)))


@CHOOSING
async def test_forged_signature_is_rejected(stage: Stage) -> None:
    """The id of a passkey with another key's signature is rejected."""
    username, authenticator = await _with_passkey(stage)
    stranger = Authenticator(ORIGIN)
    _, forger = await _with_passkey(stage)
    (name,), (forged,) = authenticator.credentials, forger.credentials.values()
    stranger.credentials[name] = forged
    asked = await stage.begin(username, "WEB_AUTHN")

    with pytest.raises(InvalidCredentials):
        await stage.answer(asked, username, credential=_signed(asked, stranger))


@CHOOSING
async def test_removed_passkey_is_not_offered(stage: Stage) -> None:
    """A removed passkey cannot be used for sign-in."""
    username, authenticator = await _with_passkey(stage)
    asked = await stage.begin(username, "WEB_AUTHN")
    token = await stage.access_token(username)
    (name,) = authenticator.credentials
    await stage.provider.passkeys.remove(token, name)

    with pytest.raises(InvalidCredentials):
        await stage.answer(asked, username, credential=_signed(asked, authenticator))
    assert (await stage.begin(username, "WEB_AUTHN")).name == "SELECT_CHALLENGE"


@BOTH_FACTORS
async def test_passkey_can_be_both_factors(stage: Stage) -> None:
    """Beside another second factor, it signs in alone; a password still asks for that factor."""
    username, authenticator = await _with_passkey(stage)
    token = await stage.access_token(username)
    app = await enrolled(stage, token)
    assert (await stage.begin(username)).available == ("PASSWORD",)

    await stage.provider.factors.prefer(token, MfaPreferences((TOTP, PASSKEY), TOTP))

    preferences = await stage.provider.factors.preferences(token)
    assert preferences == MfaPreferences((TOTP, PASSKEY), TOTP)
    asked = await stage.begin(username, "WEB_AUTHN")
    signed_in(await stage.answer(asked, username, credential=_signed(asked, authenticator)))
    challenged = challenge(await stage.log_in(username), TOTP)
    signed_in(await stage.answer(challenged, username, code=app.next()))


@BOTH_FACTORS
@pytest.mark.parametrize("left", [(TOTP,), ()], ids=["app stays", "nothing stays"])
async def test_passkey_is_no_second_factor_any_more(stage: Stage, left: tuple[str, ...]) -> None:
    """It is switched off alone, or with the other factors."""
    username, _ = await _with_passkey(stage)
    token = await stage.access_token(username)
    await enrolled(stage, token)
    factors = stage.provider.factors
    await factors.prefer(token, MfaPreferences((TOTP, PASSKEY), None))

    await factors.prefer(token, MfaPreferences(left, None))

    assert await factors.preferences(token) == MfaPreferences(left, None)
    available = (await stage.begin(username)).available
    assert set(available) == ({"PASSWORD"} if left else {"PASSWORD", "WEB_AUTHN"})


@BOTH_FACTORS
async def test_passkey_that_is_deleted_is_no_second_factor(stage: Stage) -> None:
    """With the last passkey, the preference is gone."""
    username, authenticator = await _with_passkey(stage)
    token = await stage.access_token(username)
    await enrolled(stage, token)
    factors = stage.provider.factors
    await factors.prefer(token, MfaPreferences((TOTP, PASSKEY), None))

    for name in authenticator.credentials:
        await stage.provider.passkeys.remove(token, name)

    assert await factors.preferences(token) == MfaPreferences((TOTP,), None)


@BOTH_FACTORS
async def test_passkey_alone_is_no_second_factor(stage: Stage) -> None:
    """Another factor must be enabled with it, and there must be a passkey."""
    username, _ = await _with_passkey(stage)
    token, factors = await stage.access_token(username), stage.provider.factors
    with pytest.raises(InvalidFields):
        await factors.prefer(token, MfaPreferences((PASSKEY,), None))
    without = await stage.access_token(await stage.member())
    await enrolled(stage, without)

    with pytest.raises(MfaNotConfigured):
        await factors.prefer(without, MfaPreferences((TOTP, PASSKEY), None))


@pytest.mark.parametrize(
    "rules",
    [
        PoolRules(
            first_factors=("PASSWORD", "WEB_AUTHN"),
            relying_party="example.com",
            mfa="OPTIONAL",
            second_factors=(TOTP,),
        )
    ],
    ids=["first factor only"],
)
async def test_pool_decides_whether_a_passkey_can_be_both(stage: Stage) -> None:
    """In a pool where passkeys are one factor, they are no second one."""
    username, _ = await _with_passkey(stage)
    token = await stage.access_token(username)
    await enrolled(stage, token)

    with pytest.raises(FeatureUnavailable):
        await stage.provider.factors.prefer(token, MfaPreferences((TOTP, PASSKEY), None))


@BOTH_FACTORS
async def test_passkey_that_does_not_verify_the_user_is_refused(stage: Stage) -> None:
    """Where a passkey can be both factors, the options require user verification."""
    token = await stage.access_token(await stage.member())
    passkeys = stage.provider.passkeys
    options = await passkeys.registration_options(token)
    assert options["authenticatorSelection"]["userVerification"] == "required"
    unverified = Authenticator(ORIGIN, verifies_user=False).register(options)

    with pytest.raises(PasskeyRejected):
        await passkeys.register(token, unverified)
