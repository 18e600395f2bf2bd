"""The contract of choice-based sign-in."""

import pytest

from service.domain.errors import (
    AccountNotConfirmed,
    AliasExists,
    CodeMismatch,
    InvalidCredentials,
    InvalidFields,
    PasswordResetRequired,
)
from service.domain.mfa import EMAIL, TOTP
from tests.contracts.authenticator_app import enrolled
from tests.contracts.support import CLIENT, Stage, challenge, signed_in, wrong
from tests.support.accounts import PASSWORD, new_user
from tests.support.fakes.user_pool_rules import PoolRules

PHONE = "+12025550123"
WRONG_PASSWORD = "Wrong" + PASSWORD
EVERYTHING = PoolRules(
    first_factors=("PASSWORD", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN"), relying_party="example.com"
)
CHOOSING = pytest.mark.parametrize("rules", [EVERYTHING], ids=["everything"])
CODES_ONLY = pytest.mark.parametrize(
    "rules", [PoolRules(first_factors=("PASSWORD", "EMAIL_OTP"))], ids=["codes"]
)
BY_MESSAGE = pytest.mark.parametrize(
    ("factor", "medium"), [("EMAIL_OTP", "EMAIL"), ("SMS_OTP", "SMS")], ids=["e-mail", "SMS"]
)


@CHOOSING
async def test_factors_are_offered(stage: Stage) -> None:
    """Without a preference the challenge lists the factors of the pool and the user."""
    asked = await stage.begin(await stage.member(phone_number=PHONE))

    assert asked.name == "SELECT_CHALLENGE"
    assert set(asked.available) == {"PASSWORD", "EMAIL_OTP", "SMS_OTP"}


@CHOOSING
@pytest.mark.parametrize("preferred", ["SMS_OTP", "WEB_AUTHN"])
async def test_preference_that_cannot_be_met_is_an_offer(
    stage: Stage, user: str, preferred: str
) -> None:
    """A preferred factor that the user lacks returns the available ones."""
    asked = await stage.begin(user, preferred)

    assert asked.name == "SELECT_CHALLENGE"
    assert set(asked.available) == {"PASSWORD", "EMAIL_OTP"}


@CHOOSING
async def test_unknown_preference_is_rejected(stage: Stage, user: str) -> None:
    """An unknown factor is rejected like a wrong password: it must not tell existing users apart."""
    with pytest.raises(InvalidCredentials):
        await stage.provider.sessions.begin(user, "SOFTWARE_TOKEN_MFA", CLIENT)


@CODES_ONLY
@pytest.mark.parametrize("preferred", [None, "PASSWORD", "EMAIL_OTP"])
async def test_beginning_does_not_reveal_accounts(
    stage: Stage, user: str, preferred: str | None
) -> None:
    """An unknown user gets the same challenge as an existing one."""
    nobody = new_user()

    known, unknown = await stage.begin(user, preferred), await stage.begin(nobody, preferred)

    assert (unknown.name, set(unknown.available)) == (known.name, set(known.available))
    assert unknown.parameters.keys() == known.parameters.keys()
    assert (unknown.session is None) == (known.session is None)


@CODES_ONLY
async def test_answers_do_not_reveal_accounts(stage: Stage, user: str) -> None:
    """A wrong password or code gets the same error for existing and unknown users."""
    refusals = set()
    for username in (user, new_user()):
        asked = await stage.begin(username)
        with pytest.raises(InvalidCredentials) as wrong_password:
            await stage.answer(asked, username, choice="PASSWORD", password=WRONG_PASSWORD)
        asked = await stage.begin(username, "EMAIL_OTP")
        with pytest.raises(CodeMismatch) as wrong_code:
            await stage.answer(asked, username, code="000000")
        refusals.add((str(wrong_password.value), str(wrong_code.value)))

    assert len(refusals) == 1


@CHOOSING
async def test_chosen_password_is_asked_for(stage: Stage, user: str) -> None:
    """A choice without its answer leads to a challenge of its own."""
    asked = await stage.begin(user)

    following = challenge(await stage.answer(asked, user, choice="PASSWORD"), "PASSWORD")

    signed_in(await stage.answer(following, user, password=PASSWORD))


@CHOOSING
async def test_choice_and_password_come_in_one_answer(stage: Stage, user: str) -> None:
    """A choice with its answer leads to tokens."""
    asked = await stage.begin(user)

    signed_in(await stage.answer(asked, user, choice="PASSWORD", password=PASSWORD))


@CHOOSING
async def test_wrong_password_may_be_followed_by_the_right_one(stage: Stage, user: str) -> None:
    """A wrong password is rejected, and the challenge stays open."""
    asked = await stage.begin(user, "PASSWORD")
    assert asked.name == "PASSWORD"

    with pytest.raises(InvalidCredentials):
        await stage.answer(asked, user, password=WRONG_PASSWORD)

    signed_in(await stage.answer(asked, user, password=PASSWORD))


@CODES_ONLY
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
async def test_lockout_is_a_wrong_password(stage: Stage, user: str, *, known: bool) -> None:
    """A locked user gets the error of an unknown user."""
    username = user if known else new_user()
    asked = await stage.begin(username, "PASSWORD")

    for password in [WRONG_PASSWORD] * 7 + [PASSWORD]:
        with pytest.raises(InvalidCredentials):
            await stage.answer(asked, username, password=password)


@CHOOSING
@BY_MESSAGE
async def test_code_is_sent_and_required(stage: Stage, factor: str, medium: str) -> None:
    """The challenge contains the delivery, and the code completes it."""
    username = await stage.member(phone_number=PHONE)

    asked = await stage.begin(username, factor)

    assert asked.name == factor
    assert asked.parameters["CODE_DELIVERY_DELIVERY_MEDIUM"] == medium
    assert asked.parameters["CODE_DELIVERY_DESTINATION"] not in {username, PHONE}
    signed_in(await stage.answer(asked, username, code=await stage.code(username)))


@CHOOSING
@BY_MESSAGE
async def test_chosen_code_is_required(stage: Stage, factor: str, medium: str) -> None:
    """A wrong code is rejected, and the right one stays valid."""
    username = await stage.member(phone_number=PHONE)
    asked = challenge(await stage.answer(await stage.begin(username), username, choice=factor))
    assert (asked.name, asked.parameters["CODE_DELIVERY_DELIVERY_MEDIUM"]) == (factor, medium)
    code = await stage.code(username)

    with pytest.raises(CodeMismatch):
        await stage.answer(asked, username, code=wrong(code))

    signed_in(await stage.answer(asked, username, code=code))


@CHOOSING
async def test_code_verifies_the_address(stage: Stage, user: str) -> None:
    """A sign-in by code verifies the address."""
    own_account, address = stage.provider.own_account, new_user()
    await own_account.change_attributes(await stage.access_token(user), {"email": address})
    asked = await stage.begin(user, "EMAIL_OTP")

    tokens = signed_in(await stage.answer(asked, user, code=await stage.code(user)))

    account = await own_account.describe(tokens.access_token)
    assert account.attributes["email_verified"] == "true"


@pytest.mark.parametrize(
    "rules",
    [PoolRules(first_factors=("PASSWORD", "EMAIL_OTP"), aliases=("email",))],
    ids=["e-mail aliases"],
)
async def test_alias_of_another_user_is_not_verified(stage: Stage) -> None:
    """The alias of another user cannot be verified by a code."""
    first, second = ("u" + new_user().split("@")[0] for _ in range(2))
    address = new_user()
    await stage.member(first, email=address)
    await stage.member(second, email=new_user())
    token = await stage.access_token(second)
    await stage.provider.own_account.change_attributes(token, {"email": address})
    asked = await stage.begin(second, "EMAIL_OTP")

    with pytest.raises(AliasExists):
        await stage.answer(asked, second, code=await stage.code(second))


@CHOOSING
async def test_factor_that_is_not_offered_cannot_be_chosen(stage: Stage, user: str) -> None:
    """An unavailable choice is rejected, and the challenge stays open."""
    asked = await stage.begin(user)

    with pytest.raises(InvalidFields):
        await stage.answer(asked, user, choice="SMS_OTP")

    signed_in(await stage.answer(asked, user, choice="PASSWORD", password=PASSWORD))


@CHOOSING
async def test_unconfirmed_account_is_revealed_after_the_password(stage: Stage) -> None:
    """The state of an account is revealed only after the first factor."""
    username = new_user()
    await stage.sign_up(username, email=username)
    asked = await stage.begin(username, "PASSWORD")

    with pytest.raises(InvalidCredentials):
        await stage.answer(asked, username, password=WRONG_PASSWORD)
    with pytest.raises(AccountNotConfirmed):
        await stage.answer(asked, username, password=PASSWORD)


@CHOOSING
async def test_voided_password_must_be_reset(stage: Stage, user: str) -> None:
    """A password that an administrator reset is not accepted."""
    await stage.administrator.require_reset(user)

    with pytest.raises(PasswordResetRequired):
        await stage.answer(await stage.begin(user, "PASSWORD"), user, password=PASSWORD)


@pytest.mark.parametrize(
    "rules",
    [PoolRules(first_factors=("PASSWORD", "EMAIL_OTP"), mfa="OPTIONAL", second_factors=(TOTP,))],
    ids=["with a second factor"],
)
async def test_second_factor_goes_with_a_password(stage: Stage, user: str) -> None:
    """A user with a second factor must use the password, and both are required."""
    app = await enrolled(stage, await stage.access_token(user))

    asked = await stage.begin(user, EMAIL)
    following = await stage.answer(asked, user, choice="PASSWORD", password=PASSWORD)

    assert asked.available == ("PASSWORD",)
    signed_in(await stage.answer(challenge(following, TOTP), user, code=app.next()))
