"""Cognito's answers as the domain's values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt

from service.aws import required
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
    return Tokens(
        user_id=_subject(id_token),
        id_token=id_token,
        access_token=required(result, "AccessToken"),
        refresh_token=result.get("RefreshToken"),
        expires_in_s=required(result, "ExpiresIn"),
    )


def _subject(id_token: str) -> str:
    """Read the `sub` of a token that came straight from Cognito; nothing is verified here."""
    try:
        return str(jwt.decode(id_token, options={"verify_signature": False})["sub"])
    except (jwt.InvalidTokenError, KeyError) as error:
        raise UpstreamFault from error
