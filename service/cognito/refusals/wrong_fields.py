"""
The fields of a request that InvalidParameterException is about.

Cognito names its own parameters and attributes in the message, and may repeat their values. A problem
has the name of our field and our words; nothing else of the message reaches the caller.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from service.cognito.refusals.wrong_attributes import following, wrong_attributes
from service.domain.errors import (
    ChallengeExpired,
    CodeMismatch,
    FeatureUnavailable,
    FieldProblem,
    InvalidCredentials,
    InvalidFields,
    InvalidParameter,
    MfaNotConfigured,
    Misconfigured,
    PasskeyNotFound,
    RefreshTokenInvalid,
    ServiceError,
    SessionNotFound,
    TokenInvalid,
)
from service.domain.mfa import PASSKEY_ALONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from service.cognito.cognito_request import CognitoRequest

# Cognito's parameter, in lower case without "_" -> our field. A challenge's answer has its own object.
FIELDS: Final[Mapping[str, str]] = {
    "answer": "answer",
    "attributename": "attribute",
    "challengename": "name",
    "challengeresponses": "answer",
    "code": "code",
    "confirmationcode": "code",
    "credential": "credential",
    "emailmfasettings": "enabled",
    "emailotpcode": "code",
    "friendlydevicename": "deviceName",
    "newpassword": "newPassword",
    "password": "password",
    "preferredchallenge": "preferredChallenge",
    "previouspassword": "currentPassword",
    "proposedpassword": "newPassword",
    "smsmfacode": "code",
    "smsmfasettings": "enabled",
    "smsotpcode": "code",
    "softwaretokenmfacode": "code",
    "softwaretokenmfasettings": "enabled",
    "usercode": "code",
    "username": "username",
    "webauthnmfasettings": "enabled",
}
# Parameters whose error says more than the field: a token or session is the same as an unknown one.
OTHERS: Final[Mapping[str, type[ServiceError]]] = {
    "accesstoken": TokenInvalid,
    "authflow": Misconfigured,
    "clientid": Misconfigured,
    "clientsecret": Misconfigured,
    "credentialid": PasskeyNotFound,
    "devicekey": RefreshTokenInvalid,
    "refreshtoken": RefreshTokenInvalid,
    "secrethash": Misconfigured,
    "session": ChallengeExpired,
    "sessionid": SessionNotFound,
    "token": TokenInvalid,  # of RevokeToken
    "usercontextdata": Misconfigured,
}
ATTRIBUTES: Final = frozenset({"userattributes", "userattributenames"})
ONLY_FIELDS: Final[Mapping[str, tuple[str, str]]] = {
    "CompleteWebAuthnRegistration": ("credential", "Is not the result of creating a passkey."),
    "GetUserAttributeVerificationCode": ("attribute", "No code can be sent to it."),
}
ANSWERS: Final[Mapping[str, tuple[str, str]]] = {  # by the member of ChallengeResponses
    "CREDENTIAL": ("answer.credential", "Is not the result of signing in with a passkey."),
    "ANSWER": ("answer", "Is not valid for this challenge."),
}
OTHERWISE: Final[Mapping[str, type[ServiceError]]] = {
    # Of users without an address, for example, which only existing users are.
    "ConfirmForgotPassword": CodeMismatch,
    "ConfirmSignUp": CodeMismatch,
    "GetTokensFromRefreshToken": RefreshTokenInvalid,
    "InitiateAuth": InvalidCredentials,
    "SetUserMFAPreference": MfaNotConfigured,
}
ATTRIBUTE_CHANGES: Final = frozenset({"DeleteUserAttributes", "UpdateUserAttributes"})
TAKES_ATTRIBUTES: Final = ATTRIBUTE_CHANGES | {"RespondToAuthChallenge", "SignUp"}

# "2 validation errors detected: Value at 'password' failed to satisfy constraint: Member must …; Value
# 'x' at 'username' failed to satisfy constraint: …"
_CONSTRAINT: Final = re.compile(r"at '([\w.:-]{1,200})' failed to satisfy constraint:?")
# botocore's own: "Invalid length for parameter UserAttributes[0].Name, value: 0, valid min length: 1"
_BOTOCORE: Final = re.compile(r"for parameter ([A-Z][\w.\[\]]{0,200})")
_MISSING: Final = re.compile(
    r"missing (?:required )?parameters?:? '?([\w.]+(?:, ?[\w.]+)*)", re.IGNORECASE
)
_USERNAME: Final = re.compile(r"^(?:invalid )?user ?name\b", re.IGNORECASE)
# "Software Token MFA is not enabled for the userPool."
DISABLED: Final = re.compile(r"not (?:enabled|supported|configured) (?:for|in|by)\b", re.IGNORECASE)
_LEAST: Final = re.compile(r"length greater than or equal to (\d{1,9})\b")
_MOST: Final = re.compile(r"length less than or equal to (\d{1,9})\b")
MAX_PROBLEMS: Final = 50
INVALID: Final = "Is not valid."
MISSING: Final = "Is required."
MFA_REQUIRED: Final = "This deployment requires a second factor."
EDGES: Final = "Must not be a single character, or begin or end with white space."


def invalid_parameter(text: str, request: CognitoRequest) -> ServiceError:
    """Return the error for the message *text* of InvalidParameterException."""
    problems = [*_parameters(text, request)] or [*_username(text, request)]
    for name, _ in problems:
        if name in OTHERS:
            return OTHERS[name]()
    # Nothing else that is known may distinguish existing users in a public call.
    if not problems and request.operation in TAKES_ATTRIBUTES:
        problems = [*wrong_attributes(text, request)]
    if not problems or not request.has_fields:
        if "AccessToken" in request.arguments and DISABLED.search(text):
            return FeatureUnavailable()
        return _of_operation(text, request)
    distinct = dict.fromkeys(problems[:MAX_PROBLEMS])
    return InvalidFields(problems=tuple(FieldProblem(*problem) for problem in distinct))


def malformed(parameter: str, request: CognitoRequest) -> ServiceError:
    """Return the error for a malformed value of Cognito's *parameter*, one of FIELDS or OTHERS."""
    name = parameter.lower()
    return (
        OTHERS[name]() if name in OTHERS else InvalidFields.of(request.field(FIELDS[name]), INVALID)
    )


def unauthorized_attribute(request: CognitoRequest) -> ServiceError:
    """Return the error for an attribute that the app client may not read or write."""
    if "AttributeName" in request.arguments:
        return InvalidFields.of("attribute", "Is not available in this deployment.")
    if request.operation not in TAKES_ATTRIBUTES:
        return Misconfigured()
    return InvalidFields.of(request.attribute(), "Cannot be set in this deployment.")


def _of_operation(text: str, request: CognitoRequest) -> ServiceError:
    """Return what an unknown message means: the only field, or the answer that reveals least."""
    operation = request.operation
    if operation in ATTRIBUTE_CHANGES:
        return InvalidFields.of(request.attribute(), INVALID)
    if operation == "SetUserMFAPreference" and "require" in text.lower():
        is_alone = "additional mfa" in text.lower()
        return InvalidFields.of("enabled", PASSKEY_ALONE if is_alone else MFA_REQUIRED)
    if operation == "SignUp" and "Password" not in request.arguments and "password" in text.lower():
        return InvalidFields.of("password", MISSING)
    answered = request.arguments.get("ChallengeResponses", {})
    for name, field in ANSWERS.items():
        if name in answered:
            return InvalidFields.of(*field)
    if operation in ONLY_FIELDS:
        return InvalidFields.of(*ONLY_FIELDS[operation])
    return OTHERWISE.get(operation, InvalidParameter)()


def _parameters(text: str, request: CognitoRequest) -> Iterator[tuple[str, str]]:
    """Yield the field, or the key of OTHERS, and the problem of each parameter that is named."""
    found = [
        *following(_CONSTRAINT, text),
        *((match[1], "") for match in _BOTOCORE.finditer(text)),
        *(
            (name, "Member must not be null")
            for match in _MISSING.finditer(text)
            for name in match[1].replace(" ", "").split(",")
        ),
    ]
    for path, constraint in found:
        field = _field(path, request)
        if field is not None:
            yield field, _reason(constraint, field)


def _field(path: str, request: CognitoRequest) -> str | None:
    """Return our field of a parameter, such as `userAttributes.1.member.value`; None if unknown."""
    steps = re.split(r"[.\[\]]+", path.rstrip("]"))
    if "userAttributes" in steps[1:]:  # a member of ChallengeResponses
        return request.attribute(path.partition("userAttributes.")[2] or None)
    if steps[0].lower() in ATTRIBUTES:
        return request.attribute(_numbered(steps, path, request.attribute_names))
    for step in (steps[-1], steps[0]):
        name = step.lower().replace("_", "")
        if name in OTHERS:
            return name
        if name in FIELDS:
            return request.field(FIELDS[name])
    return None


def _numbered(steps: list[str], path: str, names: tuple[str, ...]) -> str | None:
    """Return the attribute at the index in a path: from 1 in Cognito's, from 0 in botocore's."""
    number = steps[1] if len(steps) > 1 else ""
    if not number.isascii() or not number.isdigit():
        return None
    index = int(number[:6]) - (0 if "[" in path else 1)
    return names[index] if 0 <= index < len(names) else None


def _reason(constraint: str, field: str) -> str:
    """Return the problem for a violated constraint of the service model."""
    if least := _LEAST.search(constraint):
        return f"Must not be shorter than {least[1]} characters."
    if most := _MOST.search(constraint):
        return f"Must not be longer than {most[1]} characters."
    if "not be null" in constraint:
        return MISSING
    if "regular expression" in constraint:
        is_password = field.lower().endswith("password")
        return EDGES if is_password else "Has characters that are not allowed."
    return INVALID


def _username(text: str, request: CognitoRequest) -> Iterator[tuple[str, str]]:
    """Yield the user name, if the pool does not accept its form; this is the same for all users."""
    if _USERNAME.search(text) and (
        "Username" in request.arguments or request.operation == "InitiateAuth"
    ):
        yield "username", "Does not have the form that this deployment requires."
