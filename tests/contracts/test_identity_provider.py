"""What every identity provider keeps to; run on the fake and on Cognito, with and without a secret."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from service import aws
from service.config import CognitoConfig, Config
from service.domain.accounts import IdentityProvider, NewAccount, Tokens
from service.domain.errors import (
    AccountExists,
    AccountNotConfirmed,
    CodeMismatch,
    InvalidCredentials,
    RefreshTokenInvalid,
    TokenInvalid,
    WeakPassword,
)
from service.identity_provider.cognito import CognitoIdentityProvider
from tests.fakes.accounts import MemoryIdentityProvider
from tests.stage import CREDENTIALS, PASSWORD, Mailbox, new_user


@dataclass(frozen=True)
class Stage:
    """A provider, and how to learn the code that it sent last."""

    provider: IdentityProvider
    code: Callable[[str], Awaitable[str]]


@pytest.fixture(params=["memory", "cognito", "cognito with a client secret"])
async def stage(
    request: pytest.FixtureRequest, config: Config, mailbox: Mailbox
) -> AsyncIterator[Stage]:
    """Open each provider in turn."""
    if request.param == "memory":
        memory = MemoryIdentityProvider()

        async def code(username: str) -> str:
            return memory.code(username)

        yield Stage(memory, code)
        return
    async with aws.clients(config, CREDENTIALS) as clients:
        cognito = config.cognito
        if request.param == "cognito with a client secret":
            cognito = await _client_with_secret(clients, cognito)
        yield Stage(CognitoIdentityProvider(clients.cognito, config=cognito), mailbox.code)


async def _client_with_secret(clients: aws.Clients, config: CognitoConfig) -> CognitoConfig:
    made = await clients.cognito.create_user_pool_client(
        UserPoolId=config.user_pool_id,
        ClientName="confidential",
        GenerateSecret=True,
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        PreventUserExistenceErrors="ENABLED",
    )
    client = made["UserPoolClient"]
    return replace(config, client_id=client["ClientId"], client_secret=client["ClientSecret"])


@pytest.fixture
async def user(stage: Stage) -> str:
    """Return a user who has signed up and confirmed."""
    username = new_user()
    await stage.provider.sign_up(NewAccount(username, PASSWORD, {"email": username}))
    await stage.provider.confirm(username, await stage.code(username))
    return username


async def _log_in(stage: Stage, username: str) -> Tokens:
    tokens = await stage.provider.log_in(username, PASSWORD)
    assert isinstance(tokens, Tokens)
    return tokens


async def test_new_account_waits_for_its_code(stage: Stage) -> None:
    """Signing up gives an id and says where the code went; until it comes back there is no sign-in."""
    username = new_user()

    signed_up = await stage.provider.sign_up(NewAccount(username, PASSWORD, {"email": username}))

    assert not signed_up.confirmed
    assert signed_up.delivery is not None
    assert (signed_up.delivery.medium, signed_up.delivery.attribute) == ("EMAIL", "email")
    assert username not in signed_up.delivery.destination
    with pytest.raises(AccountNotConfirmed):
        await stage.provider.log_in(username, PASSWORD)


async def test_account_without_address_has_no_delivery(stage: Stage) -> None:
    """Where no message can be sent, none is reported."""
    signed_up = await stage.provider.sign_up(NewAccount("u" + new_user().split("@")[0], PASSWORD))

    assert signed_up.delivery is None


async def test_confirmed_user_logs_in_with_the_same_id(stage: Stage) -> None:
    """The id that signing up gave is the id of every token."""
    username = new_user()
    signed_up = await stage.provider.sign_up(NewAccount(username, PASSWORD))
    await stage.provider.confirm(username, await stage.code(username))

    tokens = await _log_in(stage, username)

    assert tokens.user_id == signed_up.user_id
    assert tokens.refresh_token is not None
    assert tokens.expires_in_s > 0
    assert len({tokens.id_token, tokens.access_token, tokens.refresh_token}) == 3


@pytest.mark.parametrize("change", [str, str.upper], ids=["as typed", "in capitals"])
async def test_taken_user_name_is_refused(
    stage: Stage, user: str, change: Callable[[str], str]
) -> None:
    """A user name is taken in any case of letters."""
    with pytest.raises(AccountExists):
        await stage.provider.sign_up(NewAccount(change(user), PASSWORD))


async def test_weak_password_is_refused(stage: Stage) -> None:
    """The pool's password rules hold at signing up."""
    with pytest.raises(WeakPassword):
        await stage.provider.sign_up(NewAccount(new_user(), "weak"))


async def test_wrong_code_is_refused(stage: Stage) -> None:
    """A code that was not sent confirms nothing."""
    username = new_user()
    await stage.provider.sign_up(NewAccount(username, PASSWORD))

    with pytest.raises(CodeMismatch):
        await stage.provider.confirm(username, "000000")
    with pytest.raises(AccountNotConfirmed):
        await stage.provider.log_in(username, PASSWORD)


async def test_unknown_user_is_a_wrong_code(stage: Stage) -> None:
    """Confirming does not tell who has an account."""
    with pytest.raises(CodeMismatch):
        await stage.provider.confirm(new_user(), "123456")


async def test_confirming_twice_is_a_wrong_code(stage: Stage, user: str) -> None:
    """Confirming does not tell whether an account is confirmed."""
    with pytest.raises(CodeMismatch):
        await stage.provider.confirm(user, await stage.code(user))


async def test_new_code_replaces_the_old_one(stage: Stage) -> None:
    """After a resend only the new code is right."""
    username = new_user()
    await stage.provider.sign_up(NewAccount(username, PASSWORD, {"email": username}))
    old = await stage.code(username)

    await stage.provider.resend_code(username)

    new = await stage.code(username)
    assert new != old
    with pytest.raises(CodeMismatch):
        await stage.provider.confirm(username, old)
    await stage.provider.confirm(username, new)


async def test_resend_is_silent_about_who_has_an_account(stage: Stage, user: str) -> None:
    """Resending to a confirmed user, or to nobody, is no error."""
    await stage.provider.resend_code(user)
    await stage.provider.resend_code(new_user())


async def test_unknown_user_and_wrong_password_are_one_error(stage: Stage, user: str) -> None:
    """Logging in does not tell who has an account."""
    with pytest.raises(InvalidCredentials) as wrong_password:
        await stage.provider.log_in(user, "Wrong" + PASSWORD)
    with pytest.raises(InvalidCredentials) as unknown_user:
        await stage.provider.log_in(new_user(), PASSWORD)

    assert str(wrong_password.value) == str(unknown_user.value)


async def test_refresh_gives_new_tokens_of_the_same_user(stage: Stage, user: str) -> None:
    """A refresh token gives new id and access tokens, and stays in use without rotation."""
    tokens = await _log_in(stage, user)
    assert tokens.refresh_token is not None

    refreshed = await stage.provider.refresh(tokens.refresh_token)

    assert refreshed.user_id == tokens.user_id
    assert refreshed.access_token != tokens.access_token
    assert refreshed.refresh_token is None


async def test_unknown_refresh_token_is_refused(stage: Stage) -> None:
    """A refresh token that was never given gives nothing."""
    with pytest.raises(RefreshTokenInvalid):
        await stage.provider.refresh("never-given")


async def test_revoked_session_is_over_and_others_go_on(stage: Stage, user: str) -> None:
    """Revoking ends one session; doing it again is no error."""
    ended, other = await _log_in(stage, user), await _log_in(stage, user)
    assert ended.refresh_token is not None
    assert other.refresh_token is not None

    await stage.provider.revoke(ended.refresh_token)
    await stage.provider.revoke(ended.refresh_token)

    with pytest.raises(RefreshTokenInvalid):
        await stage.provider.refresh(ended.refresh_token)
    await stage.provider.refresh(other.refresh_token)


async def test_unknown_token_is_revoked_without_a_word(stage: Stage) -> None:
    """Logging out with a token that is none is no error."""
    await stage.provider.revoke("never-given")


async def test_signing_out_everywhere_ends_every_session(stage: Stage, user: str) -> None:
    """Every refresh token of the user is refused afterwards."""
    one, other = await _log_in(stage, user), await _log_in(stage, user)

    await stage.provider.sign_out_everywhere(one.access_token)

    for tokens in (one, other):
        assert tokens.refresh_token is not None
        with pytest.raises(RefreshTokenInvalid):
            await stage.provider.refresh(tokens.refresh_token)


async def test_wrong_access_token_signs_nobody_out(stage: Stage) -> None:
    """An access token that was never given is refused."""
    with pytest.raises(TokenInvalid):
        await stage.provider.sign_out_everywhere("never.given.token")
