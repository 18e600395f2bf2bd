"""The contract of registration."""

from collections.abc import Callable, Mapping

import pytest

from service.domain.accounts import NewAccount
from service.domain.errors import (
    AccountExists,
    AccountNotConfirmed,
    AliasExists,
    CodeMismatch,
    InvalidFields,
    SignUpDisabled,
    WeakPassword,
)
from tests.contracts.support import CLIENT, Stage, wrong
from tests.support.accounts import PASSWORD, new_user
from tests.support.fakes.user_pool_rules import PoolRules


async def test_new_account_waits_for_its_code(stage: Stage) -> None:
    """A sign-up returns an id and the delivery; sign-in requires the confirmation."""
    username = new_user()

    signed_up = await stage.sign_up(username, email=username)

    assert signed_up.user_id
    assert not signed_up.confirmed
    assert signed_up.delivery is not None
    assert (signed_up.delivery.medium, signed_up.delivery.attribute) == ("EMAIL", "email")
    assert username not in signed_up.delivery.destination
    with pytest.raises(AccountNotConfirmed):
        await stage.log_in(username)


async def test_account_without_address_has_no_delivery(stage: Stage) -> None:
    """Where no message can be sent, none is reported."""
    signed_up = await stage.sign_up("u" + new_user().split("@")[0])

    assert signed_up.delivery is None


async def test_confirmed_user_logs_in_with_the_same_id(stage: Stage) -> None:
    """The id that signing up gave is the id of every token."""
    username = new_user()
    signed_up = await stage.sign_up(username)
    await stage.confirm(username)

    tokens = await stage.tokens(username)

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
        await stage.sign_up(change(user))


async def test_weak_password_is_rejected(stage: Stage) -> None:
    """The password rules apply to sign-up."""
    with pytest.raises(WeakPassword):
        await stage.provider.registrations.sign_up(NewAccount(new_user(), "weak"), CLIENT)


@pytest.mark.parametrize(
    "attributes",
    [
        {"shoe_size": "43"},
        {"email": "no address"},
        {"phone_number": "555 0100"},
        {"email_verified": "true"},
        {"sub": "somebody"},
    ],
    ids=lambda attributes: next(iter(attributes)),
)
async def test_invalid_attribute_is_rejected(stage: Stage, attributes: Mapping[str, str]) -> None:
    """An unknown, malformed or read-only attribute creates no account."""
    username = new_user()
    with pytest.raises(InvalidFields):
        await stage.sign_up(username, **attributes)

    await stage.sign_up(username)


@pytest.mark.parametrize("rules", [PoolRules(takes_sign_ups=False)], ids=["administrators only"])
async def test_sign_up_can_be_disabled(stage: Stage) -> None:
    """Where only administrators create accounts, sign-up is SignUpDisabled."""
    with pytest.raises(SignUpDisabled):
        await stage.sign_up(new_user())


async def test_wrong_code_is_refused(stage: Stage) -> None:
    """A code that was not sent confirms nothing."""
    username = new_user()
    await stage.sign_up(username)

    with pytest.raises(CodeMismatch):
        await stage.provider.registrations.confirm(
            username, wrong(await stage.code(username)), CLIENT
        )
    with pytest.raises(AccountNotConfirmed):
        await stage.log_in(username)


async def test_confirmation_does_not_reveal_accounts(stage: Stage, user: str) -> None:
    """A wrong code, a confirmed user and an unknown user are one error."""
    waiting = new_user()
    await stage.sign_up(waiting)

    refusals = []
    for username in (waiting, user, new_user()):
        with pytest.raises(CodeMismatch) as refused:
            await stage.provider.registrations.confirm(username, "000000", CLIENT)
        refusals.append((str(refused.value), refused.value.retry_after_s))

    assert len(set(refusals)) == 1


async def test_confirming_twice_is_a_wrong_code(stage: Stage, user: str) -> None:
    """A code confirms once."""
    with pytest.raises(CodeMismatch):
        await stage.confirm(user)


async def test_new_code_replaces_the_old_one(stage: Stage) -> None:
    """After a resend only the new code is right."""
    username = new_user()
    await stage.sign_up(username, email=username)
    old = await stage.code(username)

    await stage.provider.registrations.resend_code(username, CLIENT)

    assert await stage.code(username) != old
    with pytest.raises(CodeMismatch):
        await stage.provider.registrations.confirm(username, old, CLIENT)
    await stage.confirm(username)


async def test_resending_does_not_reveal_accounts(stage: Stage, user: str) -> None:
    """Resending to a confirmed or unknown user is no error and sends nothing."""
    sent = await stage.code(user)

    await stage.provider.registrations.resend_code(user, CLIENT)
    await stage.provider.registrations.resend_code(new_user(), CLIENT)

    assert await stage.code(user) == sent


@pytest.mark.parametrize("rules", [PoolRules(aliases=("email",))], ids=["e-mail aliases"])
async def test_alias_belongs_to_the_first_verified_account(stage: Stage) -> None:
    """Of two accounts with an address, the first to verify it keeps it."""
    address = new_user()
    first, second = ("u" + new_user().split("@")[0] for _ in range(2))
    signed_up = await stage.sign_up(first, email=address)
    await stage.sign_up(second, email=address)
    await stage.confirm(first)

    with pytest.raises(AliasExists):
        await stage.confirm(second)

    assert (await stage.tokens(address)).user_id == signed_up.user_id


@pytest.mark.parametrize(
    "rules",
    [PoolRules(usernames=("email",)), PoolRules(aliases=("email",))],
    ids=["e-mail names", "e-mail aliases"],
)
async def test_user_name_has_the_form_that_the_pool_takes(stage: Stage, rules: PoolRules) -> None:
    """Where addresses are names a name is an address, and where they are aliases it is none."""
    address = new_user()
    name = "u" + address.split("@")[0]
    right, wrong_form = (address, name) if rules.usernames else (name, address)

    with pytest.raises(InvalidFields):
        await stage.sign_up(wrong_form)
    await stage.sign_up(right)


@pytest.mark.parametrize("rules", [PoolRules(usernames=("email",))], ids=["e-mail names"])
async def test_address_is_the_name(stage: Stage) -> None:
    """Where the address is the user name, it is taken, confirmed and logged in with."""
    address = await stage.member()

    with pytest.raises(AccountExists):
        await stage.provider.registrations.sign_up(NewAccount(address, PASSWORD), CLIENT)
    await stage.tokens(address)
