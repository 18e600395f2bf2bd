"""The contract of sign-in with a second factor."""

import json

import pytest

from service.domain.errors import (
    ChallengeExpired,
    CodeExpired,
    CodeMismatch,
    InvalidCredentials,
    InvalidFields,
    MfaNotConfigured,
)
from service.domain.mfa import EMAIL, FACTORS, SMS, TOTP, MfaPreferences
from tests.contracts.authenticator_app import App, enrolled
from tests.contracts.support import Stage, challenge, signed_in, wrong
from tests.support.fakes.user_pool_rules import PoolRules

PHONE = "+12025550123"
OPTIONAL = pytest.mark.parametrize(
    "rules", [PoolRules(mfa="OPTIONAL", second_factors=FACTORS)], ids=["optional"]
)
REQUIRED = pytest.mark.parametrize(
    "rules", [PoolRules(mfa="ON", second_factors=(TOTP,))], ids=["required"]
)
BY_MESSAGE = pytest.mark.parametrize(
    ("factor", "medium"), [(SMS, "SMS"), (EMAIL, "EMAIL")], ids=["SMS", "e-mail"]
)


async def _member(stage: Stage, *factors: str, preferred: str | None = None) -> str:
    """Return a user with these factors, which go by message."""
    username = await stage.member(phone_number=PHONE)
    token = await stage.access_token(username)
    await stage.verify(username, token, "phone_number")
    await stage.provider.factors.prefer(token, MfaPreferences(factors, preferred))
    return username


async def _with_app(stage: Stage) -> tuple[str, App]:
    """Return a user with an app."""
    username = await stage.member()
    return username, await enrolled(stage, await stage.access_token(username))


@OPTIONAL
async def test_code_of_the_app_is_required(stage: Stage) -> None:
    """The password is followed by the code of the app, then by the tokens."""
    username, app = await _with_app(stage)

    asked = challenge(await stage.log_in(username), TOTP)

    signed_in(await stage.answer(asked, username, code=app.next()))


@OPTIONAL
async def test_wrong_code_of_the_app_may_be_followed_by_the_right_one(stage: Stage) -> None:
    """A wrong code is rejected, and the challenge stays open."""
    username, app = await _with_app(stage)
    asked = challenge(await stage.log_in(username), TOTP)

    with pytest.raises(CodeMismatch):
        await stage.answer(asked, username, code=app.wrong())

    signed_in(await stage.answer(asked, username, code=app.next()))


@OPTIONAL
async def test_code_of_the_app_is_valid_once(stage: Stage) -> None:
    """A code is valid once."""
    username, app = await _with_app(stage)
    code = app.next()
    signed_in(await stage.answer(challenge(await stage.log_in(username)), username, code=code))
    asked = challenge(await stage.log_in(username), TOTP)

    with pytest.raises(CodeExpired):
        await stage.answer(asked, username, code=code)


@OPTIONAL
async def test_wrong_password_does_not_reveal_the_second_factor(stage: Stage) -> None:
    """A wrong password does not reveal that there is a second factor."""
    username, _ = await _with_app(stage)

    with pytest.raises(InvalidCredentials):
        await stage.log_in(username, "Wrong password 1!")


@OPTIONAL
@BY_MESSAGE
async def test_code_is_sent_and_required(stage: Stage, factor: str, medium: str) -> None:
    """The challenge contains the delivery, and the code completes it."""
    username = await _member(stage, factor)

    asked = challenge(await stage.log_in(username), factor)

    assert asked.parameters["CODE_DELIVERY_DELIVERY_MEDIUM"] == medium
    assert asked.parameters["CODE_DELIVERY_DESTINATION"] not in {username, PHONE}
    signed_in(await stage.answer(asked, username, code=await stage.code(username)))


@OPTIONAL
@BY_MESSAGE
async def test_wrong_code_may_be_followed_by_the_right_one(
    stage: Stage, factor: str, medium: str
) -> None:
    """A wrong code is rejected, and the challenge stays open."""
    username = await _member(stage, factor)
    asked = challenge(await stage.log_in(username), factor)
    assert asked.parameters["CODE_DELIVERY_DELIVERY_MEDIUM"] == medium
    code = await stage.code(username)

    with pytest.raises(CodeMismatch):
        await stage.answer(asked, username, code=wrong(code))

    signed_in(await stage.answer(asked, username, code=code))


@OPTIONAL
async def test_code_belongs_to_its_challenge(stage: Stage) -> None:
    """The code of one sign-in does not open another."""
    username = await _member(stage, EMAIL)
    first = challenge(await stage.log_in(username), EMAIL)
    code = await stage.code(username)
    second = challenge(await stage.log_in(username), EMAIL)

    with pytest.raises(CodeMismatch):
        await stage.answer(second, username, code=code)

    signed_in(await stage.answer(first, username, code=code))


@OPTIONAL
async def test_preferred_factor_is_asked_for(stage: Stage) -> None:
    """With a preference there is nothing to choose."""
    username = await _member(stage, SMS, EMAIL, preferred=EMAIL)

    challenge(await stage.log_in(username), EMAIL)


@OPTIONAL
@pytest.mark.parametrize("chosen", [SMS, EMAIL])
async def test_one_of_several_factors_is_chosen(stage: Stage, chosen: str) -> None:
    """Without a preference the user chooses the factor."""
    username = await _member(stage, SMS, EMAIL)
    asked = challenge(await stage.log_in(username), "SELECT_MFA_TYPE")
    assert set(json.loads(asked.parameters["MFAS_CAN_CHOOSE"])) == {SMS, EMAIL}

    following = challenge(await stage.answer(asked, username, choice=chosen), chosen)

    signed_in(await stage.answer(following, username, code=await stage.code(username)))


@OPTIONAL
async def test_factor_that_is_not_offered_cannot_be_chosen(stage: Stage) -> None:
    """An unavailable choice is rejected, and the challenge stays open."""
    username = await _member(stage, SMS, EMAIL)
    asked = challenge(await stage.log_in(username), "SELECT_MFA_TYPE")

    with pytest.raises(InvalidFields):
        await stage.answer(asked, username, choice=TOTP)

    challenge(await stage.answer(asked, username, choice=SMS), SMS)


@pytest.mark.parametrize(
    "rules", [PoolRules(mfa="ON", second_factors=FACTORS)], ids=["all required"]
)
async def test_address_serves_where_a_factor_is_required(stage: Stage, user: str) -> None:
    """A user with an address and no enabled factor is sent a code."""
    asked = challenge(await stage.log_in(user), EMAIL)

    signed_in(await stage.answer(asked, user, code=await stage.code(user)))


@REQUIRED
async def test_factor_is_set_up_at_sign_in(stage: Stage, user: str) -> None:
    """A user without the required second factor sets up an app, which is then required."""
    asked = challenge(await stage.log_in(user), "MFA_SETUP")
    assert json.loads(asked.parameters["MFAS_CAN_SETUP"]) == [TOTP]

    given = challenge(await stage.answer(asked, user, choice=TOTP), "MFA_SETUP")
    app = App(given.parameters["SECRET_CODE"])
    tokens = signed_in(await stage.answer(given, user, code=app.now()))

    enabled = await stage.provider.factors.preferences(tokens.access_token)
    assert enabled == MfaPreferences((TOTP,), TOTP)
    following = challenge(await stage.log_in(user), TOTP)
    signed_in(await stage.answer(following, user, code=app.next()))


@REQUIRED
async def test_wrong_code_sets_up_nothing(stage: Stage, user: str) -> None:
    """A wrong code is rejected, and the secret can be verified again."""
    asked = challenge(await stage.log_in(user), "MFA_SETUP")
    given = challenge(await stage.answer(asked, user, choice=TOTP), "MFA_SETUP")
    app = App(given.parameters["SECRET_CODE"])

    with pytest.raises(CodeMismatch):
        await stage.answer(given, user, code=app.wrong())

    signed_in(await stage.answer(given, user, code=app.now()))


@REQUIRED
async def test_only_an_app_can_be_set_up_at_sign_in(stage: Stage, user: str) -> None:
    """Another choice is rejected, and the challenge stays open."""
    asked = challenge(await stage.log_in(user), "MFA_SETUP")

    with pytest.raises(InvalidFields):
        await stage.answer(asked, user, choice=SMS)

    challenge(await stage.answer(asked, user, choice=TOTP), "MFA_SETUP")


@pytest.mark.parametrize(
    "rules", [PoolRules(mfa="ON", second_factors=(SMS,))], ids=["messages required"]
)
async def test_pool_without_apps_sets_up_none(stage: Stage, user: str) -> None:
    """In a pool without authenticator apps the choice of one is rejected."""
    asked = challenge(await stage.log_in(user), "MFA_SETUP")

    with pytest.raises(MfaNotConfigured):
        await stage.answer(asked, user, choice=TOTP)


@REQUIRED
async def test_code_of_no_app_sets_up_nothing(stage: Stage, user: str) -> None:
    """A code before the choice of an app is rejected."""
    asked = challenge(await stage.log_in(user), "MFA_SETUP")

    with pytest.raises(MfaNotConfigured):
        await stage.answer(asked, user, code="123456")

    challenge(await stage.answer(asked, user, choice=TOTP), "MFA_SETUP")


@REQUIRED
async def test_set_up_goes_on_in_a_session_of_its_own(stage: Stage, user: str) -> None:
    """A session is used up by the choice of an app."""
    asked = challenge(await stage.log_in(user), "MFA_SETUP")
    await stage.answer(asked, user, choice=TOTP)

    with pytest.raises(ChallengeExpired):
        await stage.answer(asked, user, choice=TOTP)


@REQUIRED
async def test_required_factor_stays_on(stage: Stage, user: str) -> None:
    """Where a second factor is required, the last one is not switched off."""
    asked = challenge(await stage.log_in(user), "MFA_SETUP")
    given = challenge(await stage.answer(asked, user, choice=TOTP), "MFA_SETUP")
    app = App(given.parameters["SECRET_CODE"])
    tokens = signed_in(await stage.answer(given, user, code=app.now()))

    with pytest.raises(InvalidFields):
        await stage.provider.factors.prefer(tokens.access_token, MfaPreferences((), None))
