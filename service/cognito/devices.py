"""The devices of user pools that remember devices (docs/decisions/0021): confirmation and listing."""

from __future__ import annotations

import asyncio
import base64
import secrets
from typing import TYPE_CHECKING, Any, Final

import structlog

from service.aws.errors import required
from service.domain.devices import Device
from service.domain.errors import AccountChanged, DeadlineExceeded, ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.cognito.user_pool_client import UserPoolClient
    from service.domain.sessions import Tokens

CONFIRM_WITHIN_S: Final = 2.0  # of the request's deadline, which must not expire in this call
SALT_BYTES: Final = 16
# The prime of Cognito's SRP group (RFC 3526, group 15).
PRIME: Final = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74"
    "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
    "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05"
    "98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB"
    "9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718"
    "3995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33"
    "A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7"
    "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864"
    "D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E2"
    "08E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    16,
)


class DeviceConfirmation:
    """The confirmation of devices, without which Cognito accepts none of their refresh tokens."""

    def __init__(self, user_pool: UserPoolClient, *, within_s: float = CONFIRM_WITHIN_S) -> None:
        self._user_pool = user_pool
        self._within_s = within_s
        self._logged = False

    async def confirm(self, tokens: Tokens) -> None:
        """
        Confirm the new device of *tokens*, if they have one.

        A failure is logged only: the tokens are valid until the access token expires.
        """
        if tokens.device_key is None:
            return
        if not self._logged:
            self._logged = True
            structlog.get_logger().info(
                "devices_remembered",
                advice="Clients must send refresh tokens with their deviceKey. Sign-in by a remembered "
                "device (DEVICE_SRP_AUTH) is not supported.",
            )
        try:
            async with asyncio.timeout(self._within_s):
                await self._user_pool.call(
                    "ConfirmDevice",
                    AccessToken=tokens.access_token,
                    DeviceKey=tokens.device_key,
                    DeviceSecretVerifierConfig=unmatched_verifier(),
                )
        except AccountChanged:  # confirmed by a first attempt, whose response was lost
            return
        except (ServiceError, TimeoutError) as failure:
            code = failure.code if isinstance(failure, ServiceError) else DeadlineExceeded.code
            structlog.get_logger().warning(
                "device_not_confirmed",
                code=code,
                advice="This session ends with its access token. Where `code` is invalid_parameter, the "
                "challenge was answered without USER_ID_FOR_SRP as username.",
            )


class CognitoDevices:
    """The Devices port on a user pool."""

    def __init__(self, user_pool: UserPoolClient) -> None:
        self._user_pool = user_pool

    async def remembered(self, access_token: str) -> tuple[Device, ...]:
        """Return all devices."""
        found = await self._user_pool.pages(
            "ListDevices",
            "Devices",
            cursor="PaginationToken",
            AccessToken=access_token,
        )
        return tuple(map(_device, found))


def _device(description: Mapping[str, Any]) -> Device:
    return Device(
        device_key=required(description, "DeviceKey"),
        created_at=required(description, "DeviceCreateDate"),
        last_modified_at=required(description, "DeviceLastModifiedDate"),
        last_authenticated_at=description.get("DeviceLastAuthenticatedDate"),
        attributes={
            required(entry, "Name"): entry.get("Value", "")
            for entry in description.get("DeviceAttributes", ())
        },
    )


def unmatched_verifier() -> dict[str, str]:
    """
    Return a DeviceSecretVerifierConfig that no password matches.

    SDKs derive x from a random password, which the device keeps, and send g^x. The service keeps nothing,
    and sends a random square: also a power of g = 2, which generates the squares, but of an x that nobody
    knows. It takes microseconds; g^x takes 4 ms, which block the event loop even from a thread, as pow()
    holds the interpreter's lock.
    """
    square = pow(secrets.randbelow(PRIME - 1) + 1, 2, PRIME)
    return {"PasswordVerifier": _base64(square), "Salt": _base64(secrets.randbits(SALT_BYTES * 8))}


def _base64(number: int) -> str:
    """Return a number in two's complement, as Cognito reads it, in Base64."""
    return base64.b64encode(number.to_bytes(number.bit_length() // 8 + 1, "big")).decode()
