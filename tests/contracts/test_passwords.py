"""The contract of resetting and changing a password."""

import pytest

from service.domain.errors import CodeMismatch, InvalidCredentials, TokenInvalid, WeakPassword
from tests.contracts.support import CLIENT, STRANGE_TOKEN, Stage, wrong
from tests.support.accounts import PASSWORD, new_user
from tests.support.fakes.user_pool_rules import PoolRules

NEW_PASSWORD = "New" + PASSWORD


async def _requested(stage: Stage, username: str) -> str:
    """Request a code and return it."""
    await stage.provider.passwords.forgot(username, CLIENT)
    return await stage.code(username)


@pytest.mark.parametrize(
    "rules", [PoolRules(), PoolRules(usernames=("email",))], ids=["any names", "e-mail names"]
)
async def test_code_sets_a_new_password(stage: Stage, user: str) -> None:
    """With the sent code a new password replaces the old one."""
    code = await _requested(stage, user)

    await stage.provider.passwords.reset(user, code, NEW_PASSWORD, CLIENT)

    await stage.tokens(user, NEW_PASSWORD)
    with pytest.raises(InvalidCredentials):
        await stage.log_in(user)


async def test_requested_code_keeps_the_password(stage: Stage, user: str) -> None:
    """Requesting a code does not invalidate the password."""
    await _requested(stage, user)

    await stage.tokens(user)


async def test_requesting_a_code_does_not_reveal_accounts(stage: Stage) -> None:
    """Unknown users and users without a verified address get no code and no error."""
    unconfirmed, without_address = new_user(), new_user()
    await stage.sign_up(unconfirmed, email=unconfirmed)
    await stage.sign_up(without_address)
    await stage.confirm(without_address)
    names = (unconfirmed, without_address)
    sent = [await stage.code(name) for name in names]

    for name in (*names, new_user()):
        await stage.provider.passwords.forgot(name, CLIENT)

    assert [await stage.code(name) for name in names] == sent


async def test_new_code_replaces_the_old_one(stage: Stage, user: str) -> None:
    """Only the code that was sent last is right."""
    old, new = await _requested(stage, user), await _requested(stage, user)

    with pytest.raises(CodeMismatch):
        await stage.provider.passwords.reset(user, old, NEW_PASSWORD, CLIENT)
    await stage.provider.passwords.reset(user, new, NEW_PASSWORD, CLIENT)


async def test_reset_does_not_reveal_accounts(stage: Stage, user: str) -> None:
    """A wrong code, no requested code, an unconfirmed and an unknown user are one error."""
    asked, unconfirmed = await stage.member(), new_user()
    code = wrong(await _requested(stage, asked))
    await stage.sign_up(unconfirmed)

    refusals = []
    for username in (asked, user, unconfirmed, new_user()):
        with pytest.raises(CodeMismatch) as refused:
            await stage.provider.passwords.reset(username, code, NEW_PASSWORD, CLIENT)
        refusals.append((str(refused.value), refused.value.retry_after_s))

    assert len(set(refusals)) == 1
    await stage.tokens(asked)


async def test_code_of_another_kind_resets_nothing(stage: Stage) -> None:
    """The code that confirms an account sets no password."""
    username = new_user()
    await stage.sign_up(username, email=username)

    with pytest.raises(CodeMismatch):
        await stage.provider.passwords.reset(
            username, await stage.code(username), NEW_PASSWORD, CLIENT
        )


async def test_weak_password_leaves_the_code_valid(stage: Stage, user: str) -> None:
    """After a weak password the same code is valid."""
    code = await _requested(stage, user)
    with pytest.raises(WeakPassword):
        await stage.provider.passwords.reset(user, code, "weak", CLIENT)

    await stage.provider.passwords.reset(user, code, NEW_PASSWORD, CLIENT)

    await stage.tokens(user, NEW_PASSWORD)


async def test_code_resets_once(stage: Stage, user: str) -> None:
    """A code that was used is a wrong one."""
    code = await _requested(stage, user)
    await stage.provider.passwords.reset(user, code, NEW_PASSWORD, CLIENT)

    with pytest.raises(CodeMismatch):
        await stage.provider.passwords.reset(user, code, "Newer" + PASSWORD, CLIENT)


async def test_password_is_changed(stage: Stage, user: str) -> None:
    """The new password replaces the current one, and the session stays valid."""
    access_token = await stage.access_token(user)

    await stage.provider.passwords.change(access_token, PASSWORD, NEW_PASSWORD)

    await stage.provider.own_account.describe(access_token)
    await stage.tokens(user, NEW_PASSWORD)
    with pytest.raises(InvalidCredentials):
        await stage.log_in(user)


async def test_wrong_current_password_changes_nothing(stage: Stage, user: str) -> None:
    """A stolen token alone sets no password."""
    access_token = await stage.access_token(user)

    with pytest.raises(InvalidCredentials):
        await stage.provider.passwords.change(access_token, "Wrong" + PASSWORD, NEW_PASSWORD)

    await stage.tokens(user)


async def test_change_to_a_weak_password_is_rejected(stage: Stage, user: str) -> None:
    """The password rules apply to a change."""
    access_token = await stage.access_token(user)

    with pytest.raises(WeakPassword):
        await stage.provider.passwords.change(access_token, PASSWORD, "weak")

    await stage.tokens(user)


async def test_wrong_access_token_changes_no_password(stage: Stage) -> None:
    """An invalid access token is TokenInvalid, not InvalidCredentials."""
    with pytest.raises(TokenInvalid):
        await stage.provider.passwords.change(STRANGE_TOKEN, PASSWORD, NEW_PASSWORD)
