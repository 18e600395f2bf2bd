"""The contract of the signed-in user's passkeys."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from service.domain.errors import (
    FeatureUnavailable,
    InvalidFields,
    PasskeyChallengeExpired,
    PasskeyNotFound,
    PasskeyRejected,
    TokenInvalid,
)
from service.domain.passkeys import Passkeys
from tests.contracts.support import STRANGE_TOKEN, Stage
from tests.support.fakes.user_pool_rules import PoolRules
from tests.support.webauthn_authenticator import Authenticator

RELYING_PARTY = "example.com"
OFFERED = pytest.mark.parametrize(
    "rules",
    [PoolRules(first_factors=("PASSWORD", "WEB_AUTHN"), relying_party=RELYING_PARTY)],
    ids=["passkeys"],
)


@pytest.fixture
async def token(stage: Stage, user: str) -> str:
    """Return a user's access token."""
    return await stage.access_token(user)


@pytest.fixture
def authenticator() -> Authenticator:
    """Return the authenticator of a browser on a page of the relying party."""
    return Authenticator("https://accounts.example.com")


async def _registered(stage: Stage, token: str, authenticator: Authenticator) -> None:
    """Make one more passkey."""
    options = await stage.provider.passkeys.registration_options(token)
    await stage.provider.passkeys.register(token, authenticator.register(options))


@OFFERED
async def test_options_are_what_a_browser_takes(stage: Stage, token: str) -> None:
    """They name the relying party, the user, and an algorithm, and are new each time."""
    passkeys = stage.provider.passkeys

    options, others = [await passkeys.registration_options(token) for _ in range(2)]

    assert options["rp"]["id"] == RELYING_PARTY
    assert options["user"].keys() == {"id", "name", "displayName"}
    assert {"type": "public-key", "alg": -7} in options["pubKeyCredParams"]
    assert options["excludeCredentials"] == []
    assert options["challenge"] != others["challenge"]


@OFFERED
async def test_nobody_begins_with_a_passkey(stage: Stage, token: str) -> None:
    """A new user has none."""
    assert await stage.provider.passkeys.registered(token) == ()


@OFFERED
async def test_passkey_is_registered(
    stage: Stage, token: str, authenticator: Authenticator
) -> None:
    """A new passkey is listed, and excluded from the next options."""
    await _registered(stage, token, authenticator)

    (passkey,) = await stage.provider.passkeys.registered(token)
    options = await stage.provider.passkeys.registration_options(token)
    assert [passkey.credential_id] == [*authenticator.credentials]
    assert passkey.name
    assert passkey.relying_party_id == RELYING_PARTY
    assert passkey.attachment == "platform"
    assert passkey.transports == ("internal", "hybrid")
    now = datetime.now(UTC)  # noqa: TID251 -- each pool reads the machine's clock
    assert abs(now - passkey.created_at) < timedelta(minutes=10)
    assert [one["id"] for one in options["excludeCredentials"]] == [passkey.credential_id]


@OFFERED
async def test_passkeys_are_kept_apart(
    stage: Stage, token: str, authenticator: Authenticator
) -> None:
    """One is removed, the other stays; removing it again finds none."""
    for _ in range(2):
        await _registered(stage, token, authenticator)
    first, second = authenticator.credentials
    passkeys = stage.provider.passkeys

    await passkeys.remove(token, first)

    assert [one.credential_id for one in await passkeys.registered(token)] == [second]
    with pytest.raises(PasskeyNotFound):
        await passkeys.remove(token, first)


@OFFERED
async def test_passkey_of_another_user_is_not_found(
    stage: Stage, token: str, authenticator: Authenticator
) -> None:
    """A user cannot remove another user's passkey."""
    await _registered(stage, token, authenticator)
    (name,) = authenticator.credentials
    other = await stage.access_token(await stage.member())

    with pytest.raises(PasskeyNotFound):
        await stage.provider.passkeys.remove(other, name)

    assert len(await stage.provider.passkeys.registered(token)) == 1


@OFFERED
async def test_passkey_without_options_is_rejected(
    stage: Stage, token: str, authenticator: Authenticator
) -> None:
    """The options of another user are not valid."""
    other = await stage.access_token(await stage.member())
    options = await stage.provider.passkeys.registration_options(other)

    with pytest.raises(PasskeyChallengeExpired):
        await stage.provider.passkeys.register(token, authenticator.register(options))

    assert await stage.provider.passkeys.registered(token) == ()


@OFFERED
async def test_options_are_used_once(
    stage: Stage, token: str, authenticator: Authenticator
) -> None:
    """A second passkey needs options of its own, and newer options void the ones before."""
    passkeys = stage.provider.passkeys
    former = await passkeys.registration_options(token)
    latest = await passkeys.registration_options(token)
    with pytest.raises(PasskeyChallengeExpired):
        await passkeys.register(token, authenticator.register(former))
    await passkeys.register(token, authenticator.register(latest))

    with pytest.raises(PasskeyChallengeExpired):
        await passkeys.register(token, authenticator.register(latest))

    assert len(await passkeys.registered(token)) == 1


@OFFERED
async def test_passkey_of_another_site_is_rejected(stage: Stage, token: str) -> None:
    """A passkey of another origin is rejected."""
    passkeys = stage.provider.passkeys
    elsewhere = Authenticator("https://example.com.evil.test")
    options = await passkeys.registration_options(token)

    with pytest.raises(PasskeyRejected):
        await passkeys.register(token, elsewhere.register(options))

    assert await passkeys.registered(token) == ()


@OFFERED
async def test_malformed_credential_is_rejected(
    stage: Stage, token: str, authenticator: Authenticator
) -> None:
    """A malformed credential, or one of another ceremony, is rejected; the options stay valid."""
    passkeys = stage.provider.passkeys
    options = await passkeys.registration_options(token)
    made = authenticator.register(options)
    request = {**options, "rpId": options["rp"]["id"], "allowCredentials": [made]}
    signed = authenticator.sign_in(request)["response"]

    for wrong in ({}, {**made, "response": {**made["response"], **signed}}):
        with pytest.raises(InvalidFields):
            await passkeys.register(token, wrong)

    await passkeys.register(token, made)


async def test_pool_without_passkeys_makes_none(stage: Stage, token: str) -> None:
    """Where passkeys are not offered there are no options, and nothing is kept."""
    with pytest.raises(FeatureUnavailable):
        await stage.provider.passkeys.registration_options(token)


@pytest.mark.parametrize(
    "call",
    [
        lambda passkeys: passkeys.registration_options(STRANGE_TOKEN),
        lambda passkeys: passkeys.register(STRANGE_TOKEN, {}),
        lambda passkeys: passkeys.registered(STRANGE_TOKEN),
        lambda passkeys: passkeys.remove(STRANGE_TOKEN, "none"),
    ],
    ids=["options", "register", "list", "remove"],
)
async def test_wrong_access_token_is_refused(
    stage: Stage, call: Callable[[Passkeys], Awaitable[object]]
) -> None:
    """An access token that was never given has no passkeys."""
    with pytest.raises(TokenInvalid):
        await call(stage.provider.passkeys)
