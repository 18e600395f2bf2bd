"""What every implementation of resetting and changing a password keeps to."""

import pytest

from service.domain.errors import CodeMismatch, InvalidCredentials, TokenInvalid, WeakPassword
from tests.contracts.support import CLIENT, STRANGE_TOKEN, Stage, wrong
from tests.support.accounts import PASSWORD, new_user
from tests.support.fakes.user_pool_rules import PoolRules

NEW_PASSWORD = "New" + PASSWORD


async def _asked(stage: Stage, username: str) -> str:
    """Ask for a code, and return it."""
    await stage.provider.passwords.forgot(username, CLIENT)
    return await stage.code(username)


@pytest.mark.parametrize(
    "rules", [PoolRules(), PoolRules(usernames=("email",))], ids=["any names", "e-mail names"]
)
async def test_code_sets_a_new_password(stage: Stage, user: str) -> None:
    """With the code that was sent a new password takes the place of the old one."""
    code = await _asked(stage, user)

    await stage.provider.passwords.reset(user, code, NEW_PASSWORD, CLIENT)

    await stage.tokens(user, NEW_PASSWORD)
    with pytest.raises(InvalidCredentials):
        await stage.log_in(user)


async def test_forgetting_changes_nothing_yet(stage: Stage, user: str) -> None:
    """Anybody may say that somebody forgot a password; the old one stays in use."""
    await _asked(stage, user)

    await stage.tokens(user)


async def test_forgetting_is_silent_about_who_has_an_account(stage: Stage) -> None:
    """To nobody, or to who has not proved an address, no code is sent and no error raised."""
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
    old, new = await _asked(stage, user), await _asked(stage, user)

    with pytest.raises(CodeMismatch):
        await stage.provider.passwords.reset(user, old, NEW_PASSWORD, CLIENT)
    await stage.provider.passwords.reset(user, new, NEW_PASSWORD, CLIENT)


async def test_resetting_tells_nothing_of_who_has_an_account(stage: Stage, user: str) -> None:
    """A wrong code, none asked for, an account that is not confirmed and nobody's are one error."""
    asked, unconfirmed = await stage.member(), new_user()
    code = wrong(await _asked(stage, asked))
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
    """Who chose a weak password may choose another one with the same code."""
    code = await _asked(stage, user)
    with pytest.raises(WeakPassword):
        await stage.provider.passwords.reset(user, code, "weak", CLIENT)

    await stage.provider.passwords.reset(user, code, NEW_PASSWORD, CLIENT)

    await stage.tokens(user, NEW_PASSWORD)


async def test_code_resets_once(stage: Stage, user: str) -> None:
    """A code that was used is a wrong one."""
    code = await _asked(stage, user)
    await stage.provider.passwords.reset(user, code, NEW_PASSWORD, CLIENT)

    with pytest.raises(CodeMismatch):
        await stage.provider.passwords.reset(user, code, "Newer" + PASSWORD, CLIENT)


async def test_password_is_changed_by_who_knows_it(stage: Stage, user: str) -> None:
    """The new password takes the place of the current one, and the session goes on."""
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


async def test_weak_password_is_not_changed_to(stage: Stage, user: str) -> None:
    """The pool's password rules hold at changing."""
    access_token = await stage.access_token(user)

    with pytest.raises(WeakPassword):
        await stage.provider.passwords.change(access_token, PASSWORD, "weak")

    await stage.tokens(user)


async def test_wrong_access_token_changes_no_password(stage: Stage) -> None:
    """An access token that was never given is refused as such, not as a wrong password."""
    with pytest.raises(TokenInvalid):
        await stage.provider.passwords.change(STRANGE_TOKEN, PASSWORD, NEW_PASSWORD)
