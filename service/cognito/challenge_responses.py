"""What each challenge of Cognito takes as its answer, in Cognito's names (RespondToAuthChallenge)."""

from collections.abc import Callable, Mapping
from typing import Final

from service.domain.sessions import Answer

MFA_SETUP: Final = "MFA_SETUP"
ATTRIBUTE_PREFIX: Final = "userAttributes."


def responses(answer: Answer) -> dict[str, str]:
    """Return the ChallengeResponses of an answer, without USERNAME and SECRET_HASH."""
    return RESPONSES[answer.name](answer)


def _code(name: str) -> Callable[[Answer], dict[str, str]]:
    """Return what answers with a code under *name*."""
    return lambda answer: _given({name: answer.code})


def _new_password(answer: Answer) -> dict[str, str]:
    attributes = {f"{ATTRIBUTE_PREFIX}{name}": value for name, value in answer.attributes.items()}
    return _given({"NEW_PASSWORD": answer.new_password}) | attributes


def _choice(answer: Answer) -> dict[str, str]:
    """Answer with a choice, and with what the chosen one takes, where that comes in the same call."""
    return _given(
        {"ANSWER": answer.choice, "PASSWORD": answer.password, "CREDENTIAL": answer.credential}
    )


def _password(answer: Answer) -> dict[str, str]:
    return _given({"PASSWORD": answer.password})


def _credential(answer: Answer) -> dict[str, str]:
    return _given({"CREDENTIAL": answer.credential})


def _nothing(_: Answer) -> dict[str, str]:
    """Answer by the session alone, which says that the factor is set up."""
    return {}


def _given(values: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}


RESPONSES: Final[Mapping[str, Callable[[Answer], dict[str, str]]]] = {
    "CUSTOM_CHALLENGE": _code("ANSWER"),
    "EMAIL_OTP": _code("EMAIL_OTP_CODE"),
    MFA_SETUP: _nothing,
    "NEW_PASSWORD_REQUIRED": _new_password,
    "PASSWORD": _password,
    "SELECT_CHALLENGE": _choice,
    "SELECT_MFA_TYPE": _choice,
    "SMS_MFA": _code("SMS_MFA_CODE"),
    "SMS_OTP": _code("SMS_OTP_CODE"),
    "SOFTWARE_TOKEN_MFA": _code("SOFTWARE_TOKEN_MFA_CODE"),
    "WEB_AUTHN": _credential,
}
