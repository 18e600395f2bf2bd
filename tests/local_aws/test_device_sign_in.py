"""A remembered device takes the place of the second factor, as in AWS."""

import base64
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_aws.cognito import totp
from local_aws.cognito.sign_in import srp
from tests.local_aws.support import PASSWORD, Harness, refusal
from tests.support.srp_client import SrpClient

APP = "devices"
SALT = 0x80
WRONG = ("NotAuthorizedException", "Incorrect username or password.")


@dataclass(frozen=True, slots=True)
class UserDevice:
    """A confirmed device of a user with an authenticator app, and the client that knows its password."""

    harness: Harness
    username: str
    access_token: str
    key: str
    client: SrpClient

    async def begin(self) -> Mapping[str, Any]:
        """Sign in by password with the device key."""
        given = {"USERNAME": self.username, "PASSWORD": PASSWORD, "DEVICE_KEY": self.key}
        return await self.harness.cognito.initiate_auth(
            ClientId=self.harness.apps[APP].client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters=given,
        )

    async def respond(self, asked: Mapping[str, Any], **answer: str) -> Mapping[str, Any]:
        """Respond to a challenge with the device key, unless the answer has another."""
        return await self.harness.respond(asked, self.username, APP, DEVICE_KEY=self.key, **answer)

    def proof(self, asked: Mapping[str, Any]) -> dict[str, str]:
        """Return the response to DEVICE_PASSWORD_VERIFIER."""
        shown = {**asked["ChallengeParameters"], "USER_ID_FOR_SRP": self.key}
        answer = self.client.answer(shown)
        del answer["USERNAME"]
        return answer


async def _device(harness: Harness) -> UserDevice:
    app, username = harness.apps[APP], f"{uuid.uuid4().hex}@example.com"
    await harness.cognito.sign_up(ClientId=app.client_id, Username=username, Password=PASSWORD)
    await harness.cognito.admin_confirm_sign_up(UserPoolId=app.pool_id, Username=username)
    tokens = await harness.tokens(username, APP)
    access, device = tokens["AccessToken"], tokens["NewDeviceMetadata"]
    secret = (await harness.cognito.associate_software_token(AccessToken=access))["SecretCode"]
    code = totp.code_at(secret, int(harness.clock.seconds) // totp.STEP_S)
    await harness.cognito.verify_software_token(
        AccessToken=access, UserCode=code, FriendlyDeviceName="phone"
    )
    group, key, password = device["DeviceGroupKey"], device["DeviceKey"], secrets.token_hex()
    verifier = srp.password_verifier(srp.password_hash(group, key, password, SALT))
    await harness.cognito.confirm_device(
        AccessToken=access,
        DeviceKey=key,
        DeviceSecretVerifierConfig={
            "Salt": base64.b64encode(srp.encoded(SALT)).decode(),
            "PasswordVerifier": base64.b64encode(srp.encoded(verifier)).decode(),
        },
    )
    await harness.cognito.set_user_mfa_preference(
        AccessToken=access, SoftwareTokenMfaSettings={"Enabled": True}
    )
    return UserDevice(harness, username, access, key, SrpClient(f"region_{group}", password))


async def test_remembered_device_signs_in_without_a_second_factor(harness: Harness) -> None:
    """The device proves its password, and the tokens are bound to it; a wrong proof is refused."""
    device = await _device(harness)
    without = await harness.log_in(device.username, APP)
    asked = await device.begin()
    verifier = await device.respond(asked, SRP_A=device.client.public)
    proof = device.proof(verifier)
    wrong = device.respond(verifier, **{**proof, "PASSWORD_CLAIM_SIGNATURE": "AAAA"})

    assert await refusal(wrong) == WRONG
    result = (await device.respond(verifier, **proof))["AuthenticationResult"]

    assert without["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    assert without["ChallengeParameters"]["FRIENDLY_DEVICE_NAME"] == "phone"
    assert (asked["ChallengeName"], verifier["ChallengeName"]) == (
        *("DEVICE_SRP_AUTH", "DEVICE_PASSWORD_VERIFIER"),
    )
    assert "NewDeviceMetadata" not in result
    refreshed = await harness.cognito.get_tokens_from_refresh_token(
        ClientId=harness.apps[APP].client_id,
        RefreshToken=result["RefreshToken"],
        DeviceKey=device.key,
    )
    assert refreshed["AuthenticationResult"]["AccessToken"]


async def test_device_that_is_not_remembered_needs_the_second_factor(harness: Harness) -> None:
    """Neither a device that the user does not trust nor another pool's configuration skips it."""
    device = await _device(harness)
    await harness.cognito.update_device_status(
        AccessToken=device.access_token,
        DeviceKey=device.key,
        DeviceRememberedStatus="not_remembered",
    )
    assert (await device.begin())["ChallengeName"] == "SOFTWARE_TOKEN_MFA"


async def test_forgotten_device_is_named(harness: Harness) -> None:
    """The client learns that it has to forget the device key, before and after the challenge."""
    device = await _device(harness)
    asked = await device.begin()
    other = harness.respond(asked, device.username, APP, DEVICE_KEY="x", SRP_A=device.client.public)
    assert await refusal(other) == ("NotAuthorizedException", "Invalid device key given.")
    await harness.cognito.forget_device(AccessToken=device.access_token, DeviceKey=device.key)
    gone = ("ResourceNotFoundException", "Device does not exist.")
    assert await refusal(device.respond(asked, SRP_A=device.client.public)) == gone
    assert await refusal(device.begin()) == gone
