"""The ChallengeResponses of each challenge (RespondToAuthChallenge)."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from service.domain.sessions import ChallengeAnswer
from service.domain.values.json_values import drop_none

Responses: TypeAlias = Mapping[str, str | None]

MFA_SETUP: Final = "MFA_SETUP"
ATTRIBUTE_PREFIX: Final = "userAttributes."


def responses(answer: ChallengeAnswer) -> dict[str, str]:
    """Return the ChallengeResponses of an answer, without USERNAME and SECRET_HASH."""
    return drop_none(RESPONSES[answer.name](answer))


def _code(name: str) -> Callable[[ChallengeAnswer], Responses]:
    return lambda answer: {name: answer.code}


def _new_password(answer: ChallengeAnswer) -> Responses:
    attributes = {f"{ATTRIBUTE_PREFIX}{name}": value for name, value in answer.attributes.items()}
    return {"NEW_PASSWORD": answer.new_password, **attributes}


def _choice(answer: ChallengeAnswer) -> Responses:
    """Return the selected challenge, with its answer where that is sent along."""
    return {"ANSWER": answer.choice, "PASSWORD": answer.password, "CREDENTIAL": answer.credential}


RESPONSES: Final[Mapping[str, Callable[[ChallengeAnswer], Responses]]] = {
    "CUSTOM_CHALLENGE": _code("ANSWER"),
    "EMAIL_OTP": _code("EMAIL_OTP_CODE"),
    MFA_SETUP: lambda _: {},  # the session proves that the factor is set up
    "NEW_PASSWORD_REQUIRED": _new_password,
    "PASSWORD": lambda answer: {"PASSWORD": answer.password},
    "SELECT_CHALLENGE": _choice,
    "SELECT_MFA_TYPE": _choice,
    "SMS_MFA": _code("SMS_MFA_CODE"),
    "SMS_OTP": _code("SMS_OTP_CODE"),
    "SOFTWARE_TOKEN_MFA": _code("SOFTWARE_TOKEN_MFA_CODE"),
    "WEB_AUTHN": lambda answer: {"CREDENTIAL": answer.credential},
}
