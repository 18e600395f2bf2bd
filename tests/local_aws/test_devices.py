"""Devices are bound to the refresh tokens of their sign-ins, as in AWS."""

import base64
import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from local_aws.cognito import totp
from tests.local_aws.support import PASSWORD, Harness, refusal, refusal_type

INVALID = ("NotAuthorizedException", "Invalid Refresh Token.")
UNKNOWN = "eu-central-1_00000000-0000-4000-8000-000000000000"


def _verifier(**changes: bytes) -> dict[str, str]:
    values = {"PasswordVerifier": b"\x00\xff\x01", "Salt": b"\x01"} | changes
    return {name: base64.b64encode(value).decode() for name, value in values.items()}


async def _member(harness: Harness, app: str = "devices") -> str:
    """Return a confirmed user, whose name is an e-mail address in the pool "devices"."""
    name = f"{uuid.uuid4().hex}@example.com"
    await harness.cognito.sign_up(
        ClientId=harness.apps[app].client_id, Username=name, Password=PASSWORD
    )
    await harness.cognito.admin_confirm_sign_up(UserPoolId=harness.apps[app].pool_id, Username=name)
    return name


async def _confirm(harness: Harness, result: Mapping[str, Any], **more: Any) -> bool:  # noqa: ANN401 -- botocore's
    """Confirm the device of a sign-in, and return whether the user has to agree."""
    given: dict[str, Any] = {
        "AccessToken": result["AccessToken"],
        "DeviceKey": result["NewDeviceMetadata"]["DeviceKey"],
        "DeviceSecretVerifierConfig": _verifier(),
    }
    answer = await harness.cognito.confirm_device(**(given | more))
    return answer["UserConfirmationNecessary"]


async def _confirmed(harness: Harness, username: str, app: str = "devices") -> Mapping[str, Any]:
    """Return the result of a sign-in whose device is confirmed."""
    result = await harness.tokens(username, app)
    await _confirm(harness, result)
    return result


async def _refresh(
    harness: Harness, result: Mapping[str, Any], device_key: str | None, app: str = "devices"
) -> Mapping[str, Any]:
    more: dict[str, Any] = {} if device_key is None else {"DeviceKey": device_key}
    answer = await harness.cognito.get_tokens_from_refresh_token(
        ClientId=harness.apps[app].client_id, RefreshToken=result["RefreshToken"], **more
    )
    return answer["AuthenticationResult"]


async def _refresh_auth(
    harness: Harness, result: Mapping[str, Any], **more: str
) -> Mapping[str, Any]:
    answer = await harness.cognito.initiate_auth(
        ClientId=harness.apps["devices"].client_id,
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": result["RefreshToken"], **more},
    )
    return answer["AuthenticationResult"]


async def test_refresh_token_needs_its_confirmed_device(harness: Harness) -> None:
    """Before the confirmation, and without the right key, the refresh token is invalid."""
    username = await _member(harness)
    result, other = await harness.tokens(username, "devices"), await _confirmed(harness, username)
    key = result["NewDeviceMetadata"]["DeviceKey"]
    assert await refusal(_refresh(harness, result, key)) == INVALID

    assert await _confirm(harness, result) is False

    harness.clock.advance(2 * 3_600)
    refreshed = await _refresh(harness, result, key)
    assert "NewDeviceMetadata" not in refreshed
    assert "NewDeviceMetadata" not in await _refresh_auth(harness, result, DEVICE_KEY=key)
    wrong = other["NewDeviceMetadata"]["DeviceKey"]
    for call in (
        _refresh(harness, result, None),
        _refresh(harness, result, wrong),
        _refresh_auth(harness, result),
        _refresh_auth(harness, result, DEVICE_KEY=wrong),
    ):
        assert await refusal(call) == INVALID


async def test_pool_without_devices_issues_none(harness: Harness) -> None:
    """There is no device unless the pool is configured for them; a superfluous key is ignored."""
    result = await harness.tokens(await harness.member())
    assert "NewDeviceMetadata" not in result
    assert await _refresh(harness, result, UNKNOWN, "public")


async def test_each_sign_in_has_a_device_of_its_own(harness: Harness) -> None:
    """The keys differ, the group is that of the pool."""
    username = await _member(harness)
    here, there = [
        (await harness.tokens(username, "devices"))["NewDeviceMetadata"] for _ in range(2)
    ]
    assert here["DeviceKey"] != there["DeviceKey"]
    assert here["DeviceGroupKey"] == there["DeviceGroupKey"]


@pytest.mark.parametrize(
    ("more", "refused"),
    [
        ({"DeviceKey": UNKNOWN}, ("InvalidParameterException", "Invalid device key given.")),
        (
            {"DeviceSecretVerifierConfig": {}},
            ("InvalidParameterException", "Missing required parameter Salt"),
        ),
        (
            {"DeviceSecretVerifierConfig": _verifier() | {"Salt": "no Base64!"}},
            ("InvalidParameterException", "Salt is not in Base64."),
        ),
        (
            {"DeviceSecretVerifierConfig": _verifier(Salt=b"\xff")},
            ("InvalidParameterException", "Negative value passed for Salt."),
        ),
        (
            {"DeviceSecretVerifierConfig": _verifier(PasswordVerifier=b"\x80")},
            ("InvalidParameterException", "Negative value passed for PasswordVerifier."),
        ),
        (
            {"DeviceSecretVerifierConfig": _verifier(PasswordVerifier=b"\x01" * 386)},
            ("InvalidParameterException", "PasswordVerifier is not in the SRP group."),
        ),
    ],
    ids=["key", "no verifier", "no Base64", "negative salt", "negative verifier", "too large"],
)
async def test_invalid_confirmation_is_refused(
    harness: Harness, more: dict[str, Any], refused: tuple[str, str]
) -> None:
    """The key must be one that was issued to the user, the verifier two positive numbers."""
    result = await harness.tokens(await _member(harness), "devices")

    assert await refusal(_confirm(harness, result, **more)) == refused


async def test_device_is_confirmed_once_and_by_its_user(harness: Harness) -> None:
    """A second confirmation is refused, and so is that by another user."""
    result = await _confirmed(harness, await _member(harness))
    stranger = await harness.tokens(await _member(harness), "devices")
    key = result["NewDeviceMetadata"]["DeviceKey"]

    assert await refusal_type(_confirm(harness, result)) == "DeviceKeyExistsException"
    foreign = await refusal(_confirm(harness, stranger, DeviceKey=key))
    assert foreign == ("InvalidParameterException", "Invalid device key given.")


@pytest.mark.parametrize("own_name", [True, False], ids=["user name", "alias"])
async def test_challenge_answered_with_an_alias_gives_no_confirmable_device(
    harness: Harness, *, own_name: bool
) -> None:
    """A challenge is to be answered with USER_ID_FOR_SRP; otherwise the session is short."""
    username = await _member(harness)
    access = (await harness.tokens(username, "devices"))["AccessToken"]
    secret = (await harness.cognito.associate_software_token(AccessToken=access))["SecretCode"]
    step = int(harness.clock.seconds) // totp.STEP_S
    await harness.cognito.verify_software_token(
        AccessToken=access, UserCode=totp.code_at(secret, step)
    )
    await harness.cognito.set_user_mfa_preference(
        AccessToken=access, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True}
    )
    asked = await harness.log_in(username, "devices")
    name = asked["ChallengeParameters"]["USER_ID_FOR_SRP"] if own_name else username
    code = totp.code_at(secret, step + 1)

    answer = await harness.respond(asked, name, "devices", SOFTWARE_TOKEN_MFA_CODE=code)

    result = answer["AuthenticationResult"]
    if own_name:
        assert await _confirm(harness, result) is False
    else:
        assert (await refusal(_confirm(harness, result)))[1] == "Invalid device key given."


async def test_user_lists_and_forgets_devices(harness: Harness) -> None:
    """Confirmed devices are listed by page; a forgotten one ends its session and no other."""
    username = await _member(harness)
    first, second = [await _confirmed(harness, username) for _ in range(2)]
    await harness.tokens(username, "devices")  # not confirmed, and so not listed
    token = first["AccessToken"]
    keys = [each["NewDeviceMetadata"]["DeviceKey"] for each in (first, second)]

    page = await harness.cognito.list_devices(AccessToken=token, Limit=1)
    rest = await harness.cognito.list_devices(
        AccessToken=token, PaginationToken=page["PaginationToken"]
    )
    await harness.cognito.forget_device(AccessToken=token, DeviceKey=keys[1])
    left = await harness.cognito.list_devices(AccessToken=token)

    assert [each["DeviceKey"] for each in (*page["Devices"], *rest["Devices"])] == keys
    assert "PaginationToken" not in rest
    assert [each["DeviceKey"] for each in left["Devices"]] == keys[:1]
    assert await refusal(_refresh(harness, second, keys[1])) == INVALID
    await _refresh(harness, first, keys[0])
    for call in (
        harness.cognito.get_device(AccessToken=token, DeviceKey=keys[1]),
        harness.cognito.forget_device(AccessToken=token, DeviceKey=keys[1]),
        harness.cognito.update_device_status(AccessToken=token, DeviceKey=keys[1]),
    ):
        assert await refusal(call) == ("ResourceNotFoundException", "Device does not exist.")
    no_page = harness.cognito.list_devices(AccessToken=token, PaginationToken="x")
    assert await refusal_type(no_page) == "InvalidParameterException"
    nobody = harness.cognito.get_device(DeviceKey=keys[0])
    assert await refusal_type(nobody) == "InvalidParameterException"


def _status(device: Mapping[str, Any]) -> str:
    named = {each["Name"]: each["Value"] for each in device["Device"]["DeviceAttributes"]}
    return str(named["dev:device_remembered_status"])


async def test_device_is_remembered_when_the_user_agrees(harness: Harness) -> None:
    """Where the pool asks first, a device is tracked, and can refresh, until UpdateDeviceStatus."""
    username = await _member(harness, "prompt")
    result = await harness.tokens(username, "prompt")
    known: dict[str, Any] = {
        "AccessToken": result["AccessToken"],
        "DeviceKey": result["NewDeviceMetadata"]["DeviceKey"],
    }
    assert await _confirm(harness, result, DeviceName="A phone") is True
    await _refresh(harness, result, known["DeviceKey"], "prompt")
    tracked = await harness.cognito.get_device(**known)

    await harness.cognito.update_device_status(**known)
    unchanged = await harness.cognito.get_device(**known)
    await harness.cognito.update_device_status(**known, DeviceRememberedStatus="remembered")
    agreed = await harness.cognito.get_device(**known)

    statuses = [_status(tracked), _status(unchanged), _status(agreed)]
    assert statuses == ["not_remembered", "not_remembered", "remembered"]
    assert {"Name": "device_name", "Value": "A phone"} in agreed["Device"]["DeviceAttributes"]


async def test_administrator_manages_devices(harness: Harness) -> None:
    """Administrators name the user by any user name, and do what the user does."""
    username = await _member(harness)
    result = await _confirmed(harness, username)
    key = result["NewDeviceMetadata"]["DeviceKey"]
    user: dict[str, Any] = {"UserPoolId": harness.apps["devices"].pool_id, "Username": username}

    listed = await harness.cognito.admin_list_devices(**user)
    before = await harness.cognito.admin_get_device(**user, DeviceKey=key)
    await harness.cognito.admin_update_device_status(
        **user, DeviceKey=key, DeviceRememberedStatus="not_remembered"
    )
    after = await harness.cognito.admin_get_device(**user, DeviceKey=key)
    await harness.cognito.admin_forget_device(**user, DeviceKey=key)

    assert [each["DeviceKey"] for each in listed["Devices"]] == [key]
    assert (_status(before), _status(after)) == ("remembered", "not_remembered")
    assert await refusal(_refresh(harness, result, key)) == INVALID


async def test_configuration_is_described_and_changed(harness: Harness) -> None:
    """DescribeUserPool shows the configuration; an update without it ends device remembering."""
    made = await harness.cognito.create_user_pool(
        PoolName="remembering", DeviceConfiguration={"ChallengeRequiredOnNewDevice": False}
    )
    pool_id = made["UserPool"]["Id"]
    described = await harness.cognito.describe_user_pool(UserPoolId=pool_id)
    await harness.cognito.update_user_pool(UserPoolId=pool_id)
    changed = await harness.cognito.describe_user_pool(UserPoolId=pool_id)

    configuration = described["UserPool"]["DeviceConfiguration"]
    assert configuration == {"ChallengeRequiredOnNewDevice": False}
    assert "DeviceConfiguration" not in changed["UserPool"]
