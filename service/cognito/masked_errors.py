"""
Refusals that Cognito has for existing users only, and the answers that hide them.

Cognito's limits and lockout of a user, and every failure to send a message, show that the user exists.
A caller who has proved nothing gets the answer that an unknown name gets; the reason goes to the log and
the metrics. The quotas of the whole account (TooManyRequestsException) are the same for all names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from service.domain.errors import CodeMismatch, InvalidCredentials, InvalidParameter

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

    from service.aws.errors import ErrorTable

OnMasked = Callable[[str, str], None]


class Reason(StrEnum):
    """Why Cognito refused; a label of the metrics."""

    USER_LIMIT = "user_limit"
    LOCKOUT = "lockout"
    DELIVERY = "delivery"  # a message could not be sent
    SENDING_ROLE = "sending_role"  # the pool may not send messages
    TRIGGER = "trigger"  # of the message


USER_LIMITS: Final[Mapping[str, Reason]] = {
    "LimitExceededException": Reason.USER_LIMIT,
    "TooManyFailedAttemptsException": Reason.USER_LIMIT,
}
MESSAGES: Final[Mapping[str, Reason]] = {
    "CodeDeliveryFailureException": Reason.DELIVERY,
    "InvalidEmailRoleAccessPolicyException": Reason.SENDING_ROLE,
    "InvalidLambdaResponseException": Reason.TRIGGER,
    "InvalidSmsRoleAccessPolicyException": Reason.SENDING_ROLE,
    "InvalidSmsRoleTrustRelationshipException": Reason.SENDING_ROLE,
    "UnexpectedLambdaException": Reason.TRIGGER,
    "UserLambdaValidationException": Reason.TRIGGER,
}
_MASKED: Final[Mapping[str, Mapping[str, Reason]]] = {
    "ConfirmForgotPassword": USER_LIMITS,
    "ConfirmSignUp": USER_LIMITS,
    "ForgotPassword": {**USER_LIMITS, **MESSAGES},
    "InitiateAuth": USER_LIMITS,
    "ResendConfirmationCode": {**USER_LIMITS, **MESSAGES},
    "RespondToAuthChallenge": USER_LIMITS,
}
SIGN_IN: Final = frozenset({"InitiateAuth", "RespondToAuthChallenge"})
# The user's own limits, as an answer of each kind of call.
AS_WRONG_CODE: Final[ErrorTable] = dict.fromkeys(USER_LIMITS, CodeMismatch)
AS_WRONG_PASSWORD: Final[ErrorTable] = dict.fromkeys(USER_LIMITS, InvalidCredentials)
# InvalidParameter is answered as if the code had been sent.
AS_SENT: Final[ErrorTable] = dict.fromkeys({**USER_LIMITS, **MESSAGES}, InvalidParameter)


def says_locked_out(error: ClientError) -> bool:
    """Return whether NotAuthorizedException is of the lockout after failed sign-ins."""
    return "attempts exceeded" in str(error.response["Error"].get("Message") or "").lower()


def masked_reason(operation: str, error: ClientError) -> Reason | None:
    """Return the reason of a refusal whose answer hides it, None of any other."""
    name = error.response["Error"].get("Code", "")
    if operation in SIGN_IN and name == "NotAuthorizedException" and says_locked_out(error):
        return Reason.LOCKOUT
    return _MASKED.get(operation, {}).get(name)


def ignore(operation: str, reason: str) -> None:
    """Count nothing."""
    del operation, reason
