"""
Errors that Cognito returns for existing users only, and the errors that replace them.

The limits and the lockout of a user, and failures to send a message, reveal that the user exists. An
unauthenticated caller gets the response for an unknown user; the reason goes to the log and the metrics.
The quotas of the AWS account (TooManyRequestsException) are the same for all users.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from service.aws.failure_advice import code_of
from service.cognito.refusals.messages import meaning_of
from service.domain.errors import (
    CodeMismatch,
    InvalidCredentials,
    InvalidParameter,
    TooManyAttempts,
)

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

    from service.aws.errors import ErrorTable

OnMasked = Callable[[str, str], None]  # (operation, reason)


class Reason(StrEnum):
    """The reason of a masked error; a metrics label."""

    USER_LIMIT = "user_limit"
    LOCKOUT = "lockout"
    DELIVERY = "delivery"  # the message could not be sent
    SENDING_ROLE = "sending_role"  # the user pool may not send messages
    TRIGGER = "trigger"  # a Lambda trigger failed


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
# The replacements, by kind of call.
AS_WRONG_CODE: Final[ErrorTable] = dict.fromkeys(USER_LIMITS, CodeMismatch)
AS_WRONG_PASSWORD: Final[ErrorTable] = dict.fromkeys(USER_LIMITS, InvalidCredentials)
# The adapters respond to InvalidParameter as if the code had been sent.
AS_SENT: Final[ErrorTable] = dict.fromkeys({**USER_LIMITS, **MESSAGES}, InvalidParameter)


def masked_reason(operation: str, error: ClientError) -> Reason | None:
    """Return the reason of a masked error, None for any other error."""
    name = code_of(error)
    if (
        operation in SIGN_IN
        and name == "NotAuthorizedException"
        and meaning_of(error) is TooManyAttempts
    ):
        return Reason.LOCKOUT
    return _MASKED.get(operation, {}).get(name)


def ignore_masked(operation: str, reason: str) -> None:
    """Do nothing."""
    del operation, reason
