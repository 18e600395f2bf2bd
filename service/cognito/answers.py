"""Cognito's answers as the domain's values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt

from service.aws.errors import required
from service.domain.accounts import Delivery
from service.domain.errors import UpstreamFault
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


def outcome_of(answer: Mapping[str, Any]) -> Tokens | Challenge:
    """Return the tokens, or the challenge that comes before them; raises UpstreamFault without either."""
    if "ChallengeName" in answer:
        return Challenge(
            name=answer["ChallengeName"],
            session=answer.get("Session"),
            parameters=answer.get("ChallengeParameters", {}),
            available=tuple(answer.get("AvailableChallenges", ())),
        )
    return tokens_of(answer)


def tokens_of(answer: Mapping[str, Any]) -> Tokens:
    """Return the tokens; raises UpstreamFault without them."""
    result = required(answer, "AuthenticationResult")
    id_token: str = required(result, "IdToken")
    access_token: str = required(result, "AccessToken")
    return Tokens(
        user_id=str(_claim(id_token, "sub")),
        id_token=id_token,
        access_token=access_token,
        refresh_token=result.get("RefreshToken"),
        expires_in_s=result["ExpiresIn"] if "ExpiresIn" in result else _lifetime_s(access_token),
    )


def _lifetime_s(access_token: str) -> int:
    """Return for how long a token was made: Cognito says so beside it, a local Cognito may not."""
    made, ends = (_claim(access_token, name) for name in ("iat", "exp"))
    if not (isinstance(made, int) and isinstance(ends, int)):
        raise UpstreamFault
    return ends - made


def _claim(token: str, name: str) -> object:
    """Read a claim of a token that came straight from Cognito; nothing is verified here."""
    try:
        return jwt.decode(token, options={"verify_signature": False})[name]
    except (jwt.InvalidTokenError, KeyError) as error:
        raise UpstreamFault from error
