"""The contract of sessions in pools that remember devices."""

import pytest

from service.domain.errors import RefreshTokenInvalid
from service.domain.mfa import TOTP
from tests.contracts.authenticator_app import enrolled
from tests.contracts.support import Stage, challenge, signed_in
from tests.support.fakes.user_pool_rules import PoolRules

REMEMBERING = pytest.mark.parametrize(
    "rules",
    [PoolRules(remembers_devices="always"), PoolRules(remembers_devices="on prompt")],
    ids=["always", "on prompt"],
)


@REMEMBERING
async def test_refresh_token_is_valid_with_its_device_key_only(stage: Stage, user: str) -> None:
    """Without the key, or with that of another session, the refresh token is not valid."""
    here, there = await stage.tokens(user), await stage.tokens(user)
    assert here.refresh_token is not None
    assert here.device_key not in {None, there.device_key}
    sessions = stage.provider.sessions

    refreshed = await sessions.refresh(here.refresh_token, here.device_key)
    again = await sessions.refresh(here.refresh_token, here.device_key)

    assert refreshed.user_id == again.user_id == here.user_id
    assert refreshed.device_key is None
    for device_key in (None, there.device_key):
        with pytest.raises(RefreshTokenInvalid):
            await sessions.refresh(here.refresh_token, device_key)


@REMEMBERING
async def test_devices_of_the_user_are_listed(stage: Stage, user: str) -> None:
    """Each sign-in has a device, with Cognito's attributes; those of other users are not listed."""
    tokens = [await stage.tokens(user), await stage.tokens(user)]
    await stage.tokens(await stage.member())

    found = await stage.provider.devices.remembered(tokens[0].access_token)

    assert {device.device_key for device in found} == {each.device_key for each in tokens}
    assert {device.attributes["device_status"] for device in found} == {"valid"}
    assert all(device.created_at <= device.last_modified_at for device in found)


@pytest.mark.parametrize(
    "rules", [PoolRules(remembers_devices="always", rotates_refresh_tokens=True)], ids=["rotation"]
)
async def test_rotated_refresh_token_keeps_its_device(stage: Stage, user: str) -> None:
    """The device key of the sign-in belongs to all refresh tokens of the session."""
    first = signed_in(await stage.log_in(user))
    sessions = stage.provider.sessions
    assert first.refresh_token is not None

    second = signed_in(await sessions.refresh(first.refresh_token, first.device_key))
    assert second.refresh_token is not None
    with pytest.raises(RefreshTokenInvalid):
        await sessions.refresh(second.refresh_token)

    signed_in(await sessions.refresh(second.refresh_token, first.device_key))


@pytest.mark.parametrize(
    "rules",
    [
        PoolRules(
            remembers_devices="always",
            usernames=("email",),
            mfa="OPTIONAL",
            second_factors=(TOTP,),
        )
    ],
    ids=["e-mail names"],
)
async def test_sign_in_by_a_challenge_has_a_device(stage: Stage, user: str) -> None:
    """A challenge is answered with the pool's own user name; its refresh token works with the key."""
    app = await enrolled(stage, await stage.access_token(user))
    asked = challenge(await stage.log_in(user), TOTP)
    own_name = asked.parameters.get("USER_ID_FOR_SRP", user)

    tokens = signed_in(await stage.answer(asked, own_name, code=app.next()))

    assert tokens.refresh_token is not None
    await stage.provider.sessions.refresh(tokens.refresh_token, tokens.device_key)


@pytest.mark.parametrize(
    "rules",
    [PoolRules(remembers_devices="always", first_factors=("PASSWORD", "EMAIL_OTP"))],
    ids=["choice"],
)
async def test_sign_in_by_choice_has_a_device(stage: Stage, user: str) -> None:
    """A sign-in by a code that was sent is as one by password."""
    asked = await stage.begin(user, "EMAIL_OTP")

    tokens = signed_in(await stage.answer(asked, user, code=await stage.code(user)))

    assert tokens.refresh_token is not None
    await stage.provider.sessions.refresh(tokens.refresh_token, tokens.device_key)


async def test_pool_without_devices_has_no_device_key(stage: Stage, user: str) -> None:
    """By default there are no devices, and no key is needed."""
    tokens = await stage.tokens(user)

    assert tokens.device_key is None
    assert await stage.provider.devices.remembered(tokens.access_token) == ()
