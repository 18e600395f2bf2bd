"""Operations on the devices that a pool remembers, of users and of administrators."""

import base64
import binascii
from typing import Any

from local_aws.cognito import admin, devices
from local_aws.cognito.errors import (
    DeviceKeyExistsException,
    InvalidParameterException,
    ResourceNotFoundException,
)
from local_aws.cognito.records import Account, Device
from local_aws.cognito.shapes import required
from local_aws.cognito.state import Call
from local_aws.cognito.tokens import bearer

MAX_PAGE = 60
GROUP_BITS = 3_072  # of the SRP group


def confirm_device(call: Call) -> dict[str, Any]:
    """Begin to track the device of a sign-in, which makes its refresh token valid."""
    grant = bearer(call)
    device = call.cognito.account(grant.user).devices.get(call.parameters["DeviceKey"])
    if device is None or not device.confirmable:
        raise InvalidParameterException("Invalid device key given.")
    config = call.parameters.get("DeviceSecretVerifierConfig", {})
    salt, verifier = _number(config, "Salt"), _number(config, "PasswordVerifier")
    if verifier.bit_length() > GROUP_BITS:
        raise InvalidParameterException("PasswordVerifier is not in the SRP group.")
    if device.created_at is not None:
        raise DeviceKeyExistsException
    by_prompt = devices.only_on_prompt(grant.pool)
    device.created_at = device.modified_at = call.now
    device.name = call.parameters.get("DeviceName")
    device.salt, device.verifier = f"{salt:x}", f"{verifier:x}"
    device.remembered = not by_prompt
    return {"UserConfirmationNecessary": by_prompt}


def _number(config: dict[str, str], name: str) -> int:
    """Return a positive number of the configuration; it is in Base64, in two's complement."""
    try:
        data = base64.b64decode(required(config, name), validate=True)
    except binascii.Error:
        raise InvalidParameterException(f"{name} is not in Base64.") from None
    number = int.from_bytes(data, "big", signed=True)
    if number <= 0:
        raise InvalidParameterException(f"Negative value passed for {name}.")
    return number


def list_devices(call: Call) -> dict[str, Any]:
    """Return a page of the user's confirmed devices."""
    known = [*devices.confirmed(_account(call)).values()]
    first = call.parameters.get("PaginationToken", "0")
    if not first.isdecimal():
        raise InvalidParameterException("Invalid pagination token.")
    begin = int(first)
    end = begin + (call.parameters.get("Limit") or MAX_PAGE)
    following = {"PaginationToken": str(end)} if end < len(known) else {}
    return {"Devices": [_described(device) for device in known[begin:end]], **following}


def get_device(call: Call) -> dict[str, Any]:
    """Return a device."""
    return {"Device": _described(_device(call, _account(call)))}


def forget_device(call: Call) -> dict[str, Any]:
    """Forget a device, and so make its refresh token invalid."""
    account = _account(call)
    del account.devices[_device(call, account).key]
    return {}


def update_device_status(call: Call) -> dict[str, Any]:
    """Remember a device, or stop to."""
    device = _device(call, _account(call))
    status = call.parameters.get("DeviceRememberedStatus")
    if status is not None:
        device.remembered = status == "remembered"
        device.modified_at = call.now
    return {}


def _account(call: Call) -> Account:
    """Return the account of the access token, or of the user that an administrator names."""
    if "UserPoolId" in call.parameters:
        return call.cognito.account(admin.target(call)[1])
    required(call.parameters, "AccessToken")
    return call.cognito.account(bearer(call).user)


def _device(call: Call, account: Account) -> Device:
    device = devices.confirmed(account).get(call.parameters["DeviceKey"])
    if device is None:
        raise ResourceNotFoundException("Device does not exist.")
    return device


def _described(device: Device) -> dict[str, Any]:
    status = "remembered" if device.remembered else "not_remembered"
    attributes = {"device_status": "valid", "dev:device_remembered_status": status}
    if device.name is not None:
        attributes["device_name"] = device.name
    return {
        "DeviceKey": device.key,
        "DeviceAttributes": [{"Name": key, "Value": value} for key, value in attributes.items()],
        "DeviceCreateDate": device.created_at,
        "DeviceLastModifiedDate": device.modified_at,
        "DeviceLastAuthenticatedDate": device.authenticated_at,
    }
