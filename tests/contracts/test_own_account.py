"""The contract of the signed-in user's account."""

from collections.abc import Awaitable, Callable, Mapping

import pytest

from service.domain.accounts import OwnAccount
from service.domain.errors import (
    AliasExists,
    CodeExpired,
    CodeMismatch,
    InvalidCredentials,
    InvalidFields,
    RefreshTokenInvalid,
    TokenInvalid,
)
from tests.contracts.support import STRANGE_TOKEN, Stage, wrong
from tests.support.accounts import new_user
from tests.support.fakes.user_pool_rules import PoolRules

ADDRESSES_AS_NAMES = pytest.mark.parametrize(
    "rules", [PoolRules(usernames=("email",))], ids=["e-mail names"]
)


async def test_account_is_described(stage: Stage) -> None:
    """The account has the id of the tokens, its name, and its attributes with Cognito's own."""
    username = await stage.member(given_name="Asha")
    tokens = await stage.tokens(username)

    account = await stage.provider.own_account.describe(tokens.access_token)

    assert (account.user_id, account.username) == (tokens.user_id, username)
    expected = {
        "sub": tokens.user_id,
        "email": username,
        "email_verified": "true",
        "given_name": "Asha",
    }
    assert expected.items() <= account.attributes.items()


@ADDRESSES_AS_NAMES
async def test_account_of_an_address_has_a_name_of_its_own(stage: Stage, user: str) -> None:
    """Where addresses are names, the account's is the id that never changes."""
    tokens = await stage.tokens(user)

    account = await stage.provider.own_account.describe(tokens.access_token)

    assert account.username == tokens.user_id
    assert account.attributes["email"] == user


async def test_attributes_are_set_and_removed(stage: Stage) -> None:
    """Given attributes are set, None removes, and the others stay."""
    own_account = stage.provider.own_account
    token = await stage.access_token(await stage.member(given_name="Asha", nickname="Ash"))

    deliveries = await own_account.change_attributes(
        token, {"given_name": "Asha Rani", "family_name": "Rao", "nickname": None}
    )

    attributes = (await own_account.describe(token)).attributes
    assert deliveries == ()
    assert (attributes["given_name"], attributes["family_name"]) == ("Asha Rani", "Rao")
    assert "nickname" not in attributes
    assert attributes["email_verified"] == "true"


async def test_attributes_can_only_be_removed(stage: Stage) -> None:
    """Removal alone is a change, also of a missing attribute."""
    own_account = stage.provider.own_account
    token = await stage.access_token(await stage.member(nickname="Ash"))

    for _ in range(2):
        assert await own_account.change_attributes(token, {"nickname": None}) == ()

    assert "nickname" not in (await own_account.describe(token)).attributes


async def test_new_address_must_be_proved(stage: Stage, user: str) -> None:
    """A changed e-mail address is sent a code, and counts as proved once the code came back."""
    own_account = stage.provider.own_account
    token, address = await stage.access_token(user), new_user()

    (delivery,) = await own_account.change_attributes(token, {"email": address})

    assert (delivery.medium, delivery.attribute) == ("EMAIL", "email")
    assert address not in delivery.destination
    attributes = (await own_account.describe(token)).attributes
    assert attributes["email"] == address
    assert attributes.get("email_verified") != "true"
    await own_account.verify(token, "email", await stage.code(user))
    assert (await own_account.describe(token)).attributes["email_verified"] == "true"


async def test_same_address_stays_verified(stage: Stage, user: str) -> None:
    """Setting the present address sends nothing and keeps it verified."""
    token = await stage.access_token(user)

    deliveries = await stage.provider.own_account.change_attributes(token, {"email": user})

    assert deliveries == ()
    account = await stage.provider.own_account.describe(token)
    assert account.attributes["email_verified"] == "true"


@pytest.mark.parametrize(
    "changes",
    [
        {"shoe_size": "43"},
        {"shoe_size": None},
        {"email": "no address"},
        {"email_verified": "true"},
        {"sub": "somebody"},
    ],
    ids=["unknown", "removing an unknown one", "malformed", "a mark", "the id"],
)
async def test_read_only_attribute_is_rejected(
    stage: Stage, user: str, changes: Mapping[str, str | None]
) -> None:
    """A read-only attribute is InvalidFields, and nothing changes."""
    token = await stage.access_token(user)
    before = await stage.provider.own_account.describe(token)

    with pytest.raises(InvalidFields):
        await stage.provider.own_account.change_attributes(token, changes)

    assert await stage.provider.own_account.describe(token) == before


@ADDRESSES_AS_NAMES
async def test_taken_name_is_rejected(stage: Stage, user: str) -> None:
    """Where addresses are user names, a taken one is rejected."""
    token = await stage.access_token(await stage.member())

    with pytest.raises(AliasExists):
        await stage.provider.own_account.change_attributes(token, {"email": user})


@ADDRESSES_AS_NAMES
async def test_name_cannot_be_removed(stage: Stage, user: str) -> None:
    """Where addresses are user names, one must remain."""
    token = await stage.access_token(user)

    with pytest.raises(InvalidFields):
        await stage.provider.own_account.change_attributes(token, {"email": None})


@pytest.mark.parametrize("rules", [PoolRules(aliases=("email",))], ids=["e-mail aliases"])
async def test_alias_of_another_user_is_not_verified(stage: Stage) -> None:
    """The alias of another user cannot be verified."""
    first, second = ("u" + new_user().split("@")[0] for _ in range(2))
    address = new_user()
    await stage.member(first, email=address)
    await stage.member(second, email=new_user())
    token = await stage.access_token(second)
    await stage.provider.own_account.change_attributes(token, {"email": address})

    with pytest.raises(AliasExists):
        await stage.provider.own_account.verify(token, "email", await stage.code(second))


@pytest.mark.parametrize(
    ("attribute", "medium"), [("email", "EMAIL"), ("phone_number", "SMS")], ids=["e-mail", "SMS"]
)
async def test_address_is_verified_by_a_code(stage: Stage, attribute: str, medium: str) -> None:
    """A requested code verifies the address that it was sent to."""
    own_account = stage.provider.own_account
    username = await stage.member(phone_number="+12025550123")
    token = await stage.access_token(username)

    delivery = await own_account.send_verification(token, attribute)
    await own_account.verify(token, attribute, await stage.code(username))

    assert (delivery.medium, delivery.attribute) == (medium, attribute)
    assert (await own_account.describe(token)).attributes[f"{attribute}_verified"] == "true"


async def test_wrong_code_verifies_nothing(stage: Stage) -> None:
    """A wrong code is rejected, and the right one stays valid."""
    username = await stage.member(phone_number="+12025550123")
    token = await stage.access_token(username)
    await stage.provider.own_account.send_verification(token, "phone_number")
    code = await stage.code(username)

    with pytest.raises(CodeMismatch):
        await stage.provider.own_account.verify(token, "phone_number", wrong(code))

    await stage.provider.own_account.verify(token, "phone_number", code)


async def test_code_proves_once(stage: Stage, user: str) -> None:
    """A code that was used has expired."""
    token = await stage.access_token(user)
    await stage.verify(user, token, "email")

    with pytest.raises(CodeExpired):
        await stage.provider.own_account.verify(token, "email", await stage.code(user))


@pytest.mark.parametrize("attribute", ["phone_number", "given_name"], ids=["absent", "no address"])
async def test_no_code_goes_where_there_is_no_address(
    stage: Stage, user: str, attribute: str
) -> None:
    """A code can be sent to an address that the user has, and to nothing else."""
    token = await stage.access_token(user)

    with pytest.raises(InvalidFields):
        await stage.provider.own_account.send_verification(token, attribute)


async def test_deleted_account_is_gone(stage: Stage, user: str) -> None:
    """Its tokens are invalid, sign-in fails, and its name is available."""
    tokens = await stage.tokens(user)
    assert tokens.refresh_token is not None

    await stage.provider.own_account.delete(tokens.access_token)

    with pytest.raises(TokenInvalid):
        await stage.provider.own_account.describe(tokens.access_token)
    with pytest.raises(RefreshTokenInvalid):
        await stage.provider.sessions.refresh(tokens.refresh_token)
    with pytest.raises(InvalidCredentials):
        await stage.log_in(user)
    await stage.member(user)
    assert (await stage.tokens(user)).user_id != tokens.user_id


async def test_deleting_again_finds_nobody(stage: Stage, user: str) -> None:
    """The token of an account that is deleted is no token any more."""
    token = await stage.access_token(user)
    await stage.provider.own_account.delete(token)

    with pytest.raises(TokenInvalid):
        await stage.provider.own_account.delete(token)


@pytest.mark.parametrize(
    "call",
    [
        lambda own_account: own_account.describe(STRANGE_TOKEN),
        lambda own_account: own_account.change_attributes(STRANGE_TOKEN, {"nickname": "Ash"}),
        lambda own_account: own_account.change_attributes(STRANGE_TOKEN, {"nickname": None}),
        lambda own_account: own_account.send_verification(STRANGE_TOKEN, "email"),
        lambda own_account: own_account.verify(STRANGE_TOKEN, "email", "123456"),
        lambda own_account: own_account.delete(STRANGE_TOKEN),
    ],
    ids=["describe", "set", "remove", "send", "verify", "delete"],
)
async def test_wrong_access_token_is_refused(
    stage: Stage, call: Callable[[OwnAccount], Awaitable[object]]
) -> None:
    """An access token that was never given opens no account."""
    with pytest.raises(TokenInvalid):
        await call(stage.provider.own_account)
