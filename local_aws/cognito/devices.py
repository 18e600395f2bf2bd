"""Devices of pools that remember them, and how they are bound to sign-ins."""

import uuid
from collections.abc import Mapping

from moto.cognitoidp.models import CognitoIdpUserPool as Pool

from local_aws.cognito.records import Account, Device
from local_aws.cognito.settings import setting


def are_remembered(pool: Pool) -> bool:
    """Return whether the pool has a DeviceConfiguration, with any values."""
    return bool(setting(pool, "DeviceConfiguration", {}))


def only_on_prompt(pool: Pool) -> bool:
    """Return whether a confirmed device is remembered only when the user agrees."""
    configuration = setting(pool, "DeviceConfiguration", {})
    return bool(configuration.get("DeviceOnlyRememberedOnUserPrompt", False))


def replace_second_factors(pool: Pool) -> bool:
    """Return whether users of a remembered device need no second factor."""
    configuration = setting(pool, "DeviceConfiguration", {})
    return bool(configuration.get("ChallengeRequiredOnNewDevice", False))


def group_key(pool: Pool) -> str:
    """Return the DeviceGroupKey, which all devices of a pool share."""
    return f"-{uuid.uuid5(uuid.NAMESPACE_URL, pool.arn).hex[:8]}"


def issue(pool: Pool, account: Account, now: float) -> Device:
    """Return a new device, which is not confirmed yet."""
    device = Device(f"{pool.region}_{uuid.uuid4()}", authenticated_at=now)
    account.devices[device.key] = device
    return device


def confirmed(account: Account) -> Mapping[str, Device]:
    """Return the confirmed devices by key, the oldest first."""
    return {key: each for key, each in account.devices.items() if each.created_at is not None}


def forbid_confirmation(account: Account, key: str) -> None:
    """
    Refuse the confirmation of a device from now on.

    Amazon Cognito does so where a challenge is answered with an alias instead of the user name:
    https://github.com/furaiev/amazon-cognito-identity-dart-2/issues/201 and
    https://github.com/aws-amplify/amplify-js/issues/4047
    """
    account.devices[key].confirmable = False
