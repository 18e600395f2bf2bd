"""The contract of sign-up without a password, and of the sign-in that follows a confirmation."""

import pytest

from service.domain.accounts import NewAccount, SignedUp
from service.domain.errors import ChallengeExpired, CodeMismatch, InvalidFields
from service.domain.mfa import TOTP
from service.domain.sessions import Challenge, Tokens
from tests.contracts.support import CLIENT, NEVER_GIVEN, Stage, challenge, signed_in, wrong
from tests.support.accounts import PASSWORD, new_user
from tests.support.fakes.user_pool_rules import PoolRules

CODES = ("PASSWORD", "EMAIL_OTP")
BY_CODE = pytest.mark.parametrize("rules", [PoolRules(first_factors=CODES)], ids=["codes"])


async def _signed_up(
    stage: Stage, username: str, password: str | None = PASSWORD
) -> tuple[SignedUp, str]:
    account = NewAccount(username, password, {"email": username})
    signed_up = await stage.provider.registrations.sign_up(account, CLIENT)
    assert signed_up.session is not None
    return signed_up, signed_up.session


async def _confirmed(stage: Stage, username: str, session: str) -> str | None:
    code = await stage.code(username)
    return await stage.provider.registrations.confirm(username, code, CLIENT, session)


async def _continued(stage: Stage, username: str, session: str | None) -> Tokens | Challenge:
    assert session is not None
    return await stage.provider.sessions.continue_sign_up(username, session, CLIENT)


@pytest.mark.parametrize("password", [PASSWORD, None], ids=["password", "no password"])
@pytest.mark.parametrize(
    "rules",
    [PoolRules(first_factors=CODES), PoolRules(first_factors=CODES, usernames=("email",))],
    ids=["names", "e-mail names"],
)
async def test_confirmed_user_is_signed_in(stage: Stage, password: str | None) -> None:
    """The code of the confirmation is the first factor of a sign-in, with or without a password."""
    username = new_user()
    signed_up, session = await _signed_up(stage, username, password)

    tokens = signed_in(
        await _continued(stage, username, await _confirmed(stage, username, session))
    )

    assert tokens.user_id == signed_up.user_id


@BY_CODE
async def test_user_without_password_signs_in_by_code(stage: Stage) -> None:
    """The one-time code is the only factor of a user without a password."""
    username = new_user()
    await _signed_up(stage, username, None)
    await stage.confirm(username)

    asked = await stage.begin(username)
    sent = await stage.answer(asked, username, choice="EMAIL_OTP")
    tokens = await stage.answer(challenge(sent), username, code=await stage.code(username))

    assert asked.available == ("EMAIL_OTP",)
    assert signed_in(tokens)


@BY_CODE
async def test_wrong_code_leaves_the_session_usable(stage: Stage) -> None:
    """After a wrong code the right one confirms and signs in with the same session."""
    username = new_user()
    _, session = await _signed_up(stage, username)
    code = wrong(await stage.code(username))

    with pytest.raises(CodeMismatch):
        await stage.provider.registrations.confirm(username, code, CLIENT, session)

    assert signed_in(await _continued(stage, username, await _confirmed(stage, username, session)))


@BY_CODE
@pytest.mark.parametrize("kind", ["short", "long", "unknown", "foreign"])
async def test_unusable_session_confirms_by_the_code_alone(stage: Stage, kind: str) -> None:
    """A malformed, unknown or another user's session is as an expired one: there is no sign-in."""
    username, other = new_user(), new_user()
    await _signed_up(stage, username)
    _, foreign = await _signed_up(stage, other)
    session = {"short": "x", "long": "x" * 3_000, "unknown": NEVER_GIVEN, "foreign": foreign}[kind]

    assert await _confirmed(stage, username, session) is None

    assert signed_in(await stage.log_in(username))
    assert await _confirmed(stage, other, foreign) is not None


@BY_CODE
async def test_session_does_not_reveal_accounts(stage: Stage, user: str) -> None:
    """With a session too, a wrong code, a confirmed user and an unknown user are one error."""
    waiting = new_user()
    _, session = await _signed_up(stage, waiting)

    refusals = []
    for username in (waiting, user, new_user()):
        for sent in (session, NEVER_GIVEN, "x"):
            with pytest.raises(CodeMismatch) as refused:
                await stage.provider.registrations.confirm(username, "000000", CLIENT, sent)
            refusals.append((str(refused.value), refused.value.retry_after_s))

    assert len(set(refusals)) == 1


@BY_CODE
async def test_session_of_a_confirmation_signs_its_user_in_once(stage: Stage) -> None:
    """Another user's session, the one before the confirmation and a used one are refused."""
    username, other = new_user(), new_user()
    _, session = await _signed_up(stage, username)
    await _signed_up(stage, other)
    with pytest.raises(ChallengeExpired):
        await _continued(stage, username, session)
    confirmed = await _confirmed(stage, username, session)

    with pytest.raises(ChallengeExpired):
        await _continued(stage, other, confirmed)
    assert signed_in(await _continued(stage, username, confirmed))
    with pytest.raises(ChallengeExpired):
        await _continued(stage, username, confirmed)


async def test_client_without_choice_has_no_session(stage: Stage) -> None:
    """Without USER_AUTH of the app client there is no session, and one that is sent is ignored."""
    username = new_user()
    signed_up = await stage.sign_up(username, email=username)

    assert signed_up.session is None
    assert await _confirmed(stage, username, NEVER_GIVEN) is None
    assert signed_in(await stage.log_in(username))


@pytest.mark.parametrize(
    ("rules", "attributes"),
    [
        (PoolRules(), ("email",)),
        (PoolRules(first_factors=("PASSWORD",)), ("email",)),
        (PoolRules(first_factors=CODES), ()),
        (PoolRules(first_factors=("PASSWORD", "SMS_OTP")), ("email",)),
    ],
    ids=["no choice", "no codes", "no address", "another address"],
)
async def test_password_is_required_where_no_code_can_sign_in(
    stage: Stage, attributes: tuple[str, ...]
) -> None:
    """A sign-up needs a password, or an address to which codes of a first factor are sent."""
    username = new_user()
    account = NewAccount(username, None, dict.fromkeys(attributes, username))

    with pytest.raises(InvalidFields) as refused:
        await stage.provider.registrations.sign_up(account, CLIENT)

    assert [problem.field for problem in refused.value.problems] == ["password"]
    await stage.sign_up(username)


@pytest.mark.parametrize(
    "rules",
    [PoolRules(first_factors=("PASSWORD",), mfa="ON", second_factors=(TOTP,))],
    ids=["second factor"],
)
async def test_required_second_factor_is_a_challenge(stage: Stage) -> None:
    """The confirmation proves the first factor only."""
    username = new_user()
    _, session = await _signed_up(stage, username)

    confirmed = await _confirmed(stage, username, session)

    assert challenge(await _continued(stage, username, confirmed)).name == "MFA_SETUP"


@pytest.mark.parametrize(
    "rules", [PoolRules(first_factors=CODES, remembers_devices="always")], ids=["devices"]
)
async def test_sign_in_after_a_confirmation_has_a_device(stage: Stage) -> None:
    """In a pool that remembers devices the refresh token works with the device key."""
    username = new_user()
    _, session = await _signed_up(stage, username)

    tokens = signed_in(
        await _continued(stage, username, await _confirmed(stage, username, session))
    )

    assert tokens.refresh_token is not None
    assert tokens.device_key is not None
    await stage.provider.sessions.refresh(tokens.refresh_token, tokens.device_key)
