"""Cognito's responses as values of the domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt
import structlog

from service.aws.errors import required
from service.cognito.challenge_responses import RESPONSES
from service.domain.accounts import Delivery
from service.domain.errors import FeatureUnavailable, UpstreamFault
from service.domain.sessions import Challenge, Tokens

if TYPE_CHECKING:
    from collections.abc import Mapping


def delivery_of(details: Mapping[str, str]) -> Delivery:
    """Return where a code was sent."""
    return Delivery(
        medium=details.get("DeliveryMedium", ""),
        destination=details.get("Destination", ""),
        attribute=details.get("AttributeName", ""),
    )


def outcome_of(response: Mapping[str, Any]) -> Tokens | Challenge:
    """
    Return the tokens or the challenge of a sign-in.

    Raises UpstreamFault without either, and FeatureUnavailable for a challenge that clients cannot answer
    here, such as DEVICE_SRP_AUTH.
    """
    if "ChallengeName" in response:
        name = response["ChallengeName"]
        if name not in RESPONSES:
            structlog.get_logger().warning("challenge_not_supported", challenge=name)
            raise FeatureUnavailable(
                "The user pool requires a sign-in step that this service does not support."
            )
        return Challenge(
            name=name,
            session=response.get("Session"),
            parameters=response.get("ChallengeParameters", {}),
            # Without PASSWORD_SRP, which stands beside PASSWORD and which clients cannot answer here.
            available=tuple(
                each for each in response.get("AvailableChallenges", ()) if each in RESPONSES
            ),
        )
    return tokens_of(response)


def tokens_of(response: Mapping[str, Any]) -> Tokens:
    """Return the tokens; raises UpstreamFault without them."""
    result = required(response, "AuthenticationResult")
    id_token: str = required(result, "IdToken")
    access_token: str = required(result, "AccessToken")
    return Tokens(
        user_id=str(_claim(id_token, "sub")),
        id_token=id_token,
        access_token=access_token,
        refresh_token=result.get("RefreshToken"),
        expires_in_s=result["ExpiresIn"] if "ExpiresIn" in result else _lifetime_s(access_token),
        device_key=(result.get("NewDeviceMetadata") or {}).get("DeviceKey"),
    )


def _lifetime_s(access_token: str) -> int:
    """Return the lifetime of a token by its claims: a local Cognito may omit ExpiresIn."""
    issued_at, expires_at = (_claim(access_token, name) for name in ("iat", "exp"))
    if not (isinstance(issued_at, int) and isinstance(expires_at, int)):
        raise UpstreamFault
    return expires_at - issued_at


def _claim(token: str, name: str) -> object:
    """Return a claim, unverified: the token comes directly from Cognito."""
    try:
        return jwt.decode(token, options={"verify_signature": False})[name]
    except (jwt.InvalidTokenError, KeyError) as error:
        raise UpstreamFault from error
