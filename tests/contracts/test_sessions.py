"""The contract of sign-in by password, and of sign-out."""

import pytest

from service.domain.errors import (
    AccountNotConfirmed,
    FeatureUnavailable,
    InvalidCredentials,
    PasswordResetRequired,
    RefreshTokenInvalid,
    RefreshTokenReused,
    TokenInvalid,
    UnsupportedTokenType,
)
from tests.contracts.support import CLIENT, NEVER_GIVEN, STRANGE_TOKEN, Stage
from tests.support.accounts import PASSWORD, new_user
from tests.support.fakes.user_pool_rules import PoolRules

WRONG_PASSWORD = "Wrong" + PASSWORD
MALFORMED = ("ab/c+d", "a b", "\u00e9", "a" * 16_384)
ROTATING = pytest.mark.parametrize(
    "rules", [PoolRules(rotates_refresh_tokens=True)], ids=["rotation"]
)


async def test_unknown_user_and_wrong_password_are_one_error(stage: Stage, user: str) -> None:
    """A login does not reveal whether the account exists."""
    with pytest.raises(InvalidCredentials) as wrong_password:
        await stage.log_in(user, WRONG_PASSWORD)
    with pytest.raises(InvalidCredentials) as unknown_user:
        await stage.log_in(new_user())

    assert str(wrong_password.value) == str(unknown_user.value)


async def test_unconfirmed_account_is_revealed_with_the_password(stage: Stage) -> None:
    """With a wrong password it is InvalidCredentials."""
    username = new_user()
    await stage.sign_up(username)

    with pytest.raises(AccountNotConfirmed):
        await stage.log_in(username)
    with pytest.raises(InvalidCredentials):
        await stage.log_in(username, WRONG_PASSWORD)


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
async def test_lockout_is_a_wrong_password(stage: Stage, user: str, *, known: bool) -> None:
    """A locked user gets the error of an unknown user, which is never locked."""
    username = user if known else new_user()

    for password in [WRONG_PASSWORD] * 7 + [PASSWORD]:
        with pytest.raises(InvalidCredentials):
            await stage.log_in(username, password)


async def test_voided_password_must_be_reset(stage: Stage, user: str) -> None:
    """A password that an administrator reset is not accepted until a new one is set."""
    await stage.administrator.require_reset(user)
    with pytest.raises(PasswordResetRequired):
        await stage.log_in(user)

    code = await stage.code(user)
    await stage.provider.passwords.reset(user, code, "New" + PASSWORD, CLIENT)

    await stage.tokens(user, "New" + PASSWORD)


async def test_client_without_choice_offers_none(stage: Stage, user: str) -> None:
    """A sign-in without a password needs a client that allows it."""
    with pytest.raises(FeatureUnavailable):
        await stage.provider.sessions.begin(user, None, CLIENT)


async def test_refresh_gives_new_tokens_of_the_same_user(stage: Stage, user: str) -> None:
    """A refresh token gives new id and access tokens, and stays in use without rotation."""
    tokens = await stage.tokens(user)
    assert tokens.refresh_token is not None

    refreshed = await stage.provider.sessions.refresh(tokens.refresh_token)
    again = await stage.provider.sessions.refresh(tokens.refresh_token)

    assert refreshed.user_id == again.user_id == tokens.user_id
    assert len({tokens.access_token, refreshed.access_token, again.access_token}) == 3
    assert refreshed.refresh_token is None
    assert refreshed.expires_in_s > 0
    await stage.provider.own_account.describe(refreshed.access_token)


@pytest.mark.parametrize("rules", [PoolRules(usernames=("email",))], ids=["e-mail names"])
async def test_refresh_needs_no_user_name(stage: Stage, user: str) -> None:
    """Where the pool's own name of a user is not the one that was typed, refreshing works as well."""
    tokens = await stage.tokens(user)
    assert tokens.refresh_token is not None

    refreshed = await stage.provider.sessions.refresh(tokens.refresh_token)

    assert refreshed.user_id == tokens.user_id


@pytest.mark.parametrize("token", [NEVER_GIVEN, *MALFORMED])
async def test_unknown_refresh_token_is_refused(stage: Stage, token: str) -> None:
    """A refresh token that was never issued, malformed or not, gives nothing."""
    with pytest.raises(RefreshTokenInvalid):
        await stage.provider.sessions.refresh(token)


@ROTATING
async def test_rotated_token_replaces_the_old_one(stage: Stage, user: str) -> None:
    """With rotation each refresh token is exchanged once; reuse is RefreshTokenReused."""
    sessions = stage.provider.sessions
    old = (await stage.tokens(user)).refresh_token
    assert old is not None

    refreshed = await sessions.refresh(old)

    assert refreshed.refresh_token not in {None, old}
    with pytest.raises(RefreshTokenReused):
        await sessions.refresh(old)
    with pytest.raises(RefreshTokenInvalid):
        await sessions.refresh(NEVER_GIVEN)


@ROTATING
async def test_rotated_token_can_be_revoked(stage: Stage, user: str) -> None:
    """Revoking the newest token ends the session."""
    sessions = stage.provider.sessions
    old = (await stage.tokens(user)).refresh_token
    assert old is not None
    new = (await sessions.refresh(old)).refresh_token
    assert new is not None

    await sessions.revoke(new)

    with pytest.raises(RefreshTokenInvalid):
        await sessions.refresh(new)


async def test_revoked_session_is_over_and_others_go_on(stage: Stage, user: str) -> None:
    """Revoking ends one session with all its tokens; doing it again is no error."""
    sessions = stage.provider.sessions
    ended, other = await stage.tokens(user), await stage.tokens(user)
    assert ended.refresh_token is not None
    assert other.refresh_token is not None

    await sessions.revoke(ended.refresh_token)
    await sessions.revoke(ended.refresh_token)

    with pytest.raises(RefreshTokenInvalid):
        await sessions.refresh(ended.refresh_token)
    with pytest.raises(TokenInvalid):
        await stage.provider.own_account.describe(ended.access_token)
    await sessions.refresh(other.refresh_token)


@pytest.mark.parametrize("token", [NEVER_GIVEN, *MALFORMED])
async def test_unknown_token_is_revoked_without_a_word(stage: Stage, token: str) -> None:
    """Logging out with a token that was never issued, malformed or not, is no error."""
    await stage.provider.sessions.revoke(token)


async def test_only_refresh_tokens_are_revoked(stage: Stage, user: str) -> None:
    """An access token is UnsupportedTokenType and stays valid."""
    tokens = await stage.tokens(user)

    with pytest.raises(UnsupportedTokenType):
        await stage.provider.sessions.revoke(tokens.access_token)

    await stage.provider.own_account.describe(tokens.access_token)


async def test_signing_out_everywhere_ends_every_session(stage: Stage, user: str) -> None:
    """Every token of the user is rejected afterwards, and a new sign-in succeeds."""
    one, other = await stage.tokens(user), await stage.tokens(user)

    await stage.provider.sessions.sign_out_everywhere(one.access_token)

    for tokens in (one, other):
        assert tokens.refresh_token is not None
        with pytest.raises(RefreshTokenInvalid):
            await stage.provider.sessions.refresh(tokens.refresh_token)
        with pytest.raises(TokenInvalid):
            await stage.provider.own_account.describe(tokens.access_token)
    await stage.tokens(user)


async def test_signing_out_everywhere_leaves_others_alone(stage: Stage, user: str) -> None:
    """Sessions of other users are not affected."""
    other = await stage.tokens(await stage.member())

    await stage.provider.sessions.sign_out_everywhere(await stage.access_token(user))

    assert other.refresh_token is not None
    await stage.provider.sessions.refresh(other.refresh_token)


async def test_invalid_access_token_is_rejected(stage: Stage) -> None:
    """An invalid access token is rejected."""
    with pytest.raises(TokenInvalid):
        await stage.provider.sessions.sign_out_everywhere(STRANGE_TOKEN)
