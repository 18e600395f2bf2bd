"""The actions that are limited separately, and which of them send codes or guess secrets."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

from service.domain.errors import (
    AccountExists,
    ChallengeExpired,
    CodeExpired,
    CodeMismatch,
    InvalidCredentials,
    ServiceError,
)


class RateLimitedAction(Enum):
    """The purpose of a call to Cognito."""

    SIGN_UP = auto()
    CONFIRM = auto()
    RESEND = auto()
    SIGN_IN = auto()  # with a password
    BEGIN = auto()  # a sign-in without a password that sends no code
    BEGIN_CODE = auto()  # a sign-in that begins with sending a code
    CHALLENGE = auto()
    CODE_CHALLENGE = auto()  # a code as the answer to a challenge
    PASSWORD_CHALLENGE = auto()  # a password as the answer to a challenge
    CHOOSE_CODE = auto()  # the choice of a sent code as the first factor
    FORGOT = auto()
    RESET = auto()
    TOKEN = auto()  # token refresh and log-out
    READ = auto()  # by a signed-in user, as the following three
    UPDATE = auto()
    CHANGE_PASSWORD = auto()
    EXPORT = auto()


class Quota(Enum):
    """Cognito's categories of operations, each with its own quota."""

    SIGN_IN = auto()  # UserAuthentication
    CHALLENGE = auto()  # RespondToAuthChallenge, with three times the quota of UserAuthentication
    SIGN_UP = auto()  # UserCreation
    RECOVERY = auto()  # UserAccountRecovery
    TOKEN = auto()  # UserToken
    READ = auto()  # UserRead
    UPDATE = auto()  # UserUpdate and UserResourceUpdate


QUOTAS: Final[Mapping[RateLimitedAction, Quota]] = {
    RateLimitedAction.SIGN_UP: Quota.SIGN_UP,
    RateLimitedAction.CONFIRM: Quota.SIGN_UP,
    RateLimitedAction.RESEND: Quota.UPDATE,
    RateLimitedAction.SIGN_IN: Quota.SIGN_IN,
    RateLimitedAction.BEGIN: Quota.SIGN_IN,
    RateLimitedAction.BEGIN_CODE: Quota.SIGN_IN,
    RateLimitedAction.CHALLENGE: Quota.CHALLENGE,
    RateLimitedAction.CODE_CHALLENGE: Quota.CHALLENGE,
    RateLimitedAction.PASSWORD_CHALLENGE: Quota.CHALLENGE,
    RateLimitedAction.CHOOSE_CODE: Quota.CHALLENGE,
    RateLimitedAction.FORGOT: Quota.RECOVERY,
    RateLimitedAction.RESET: Quota.RECOVERY,
    RateLimitedAction.TOKEN: Quota.TOKEN,
    RateLimitedAction.READ: Quota.READ,
    RateLimitedAction.UPDATE: Quota.UPDATE,
    RateLimitedAction.CHANGE_PASSWORD: Quota.RECOVERY,
    RateLimitedAction.EXPORT: Quota.READ,
}
SIGNED_IN: Final = frozenset(
    {
        RateLimitedAction.READ,
        RateLimitedAction.UPDATE,
        RateLimitedAction.CHANGE_PASSWORD,
        RateLimitedAction.EXPORT,
    }
)
PASSWORD_GUESSES: Final = frozenset(
    {RateLimitedAction.SIGN_IN, RateLimitedAction.PASSWORD_CHALLENGE}
)
CODE_GUESSES: Final = frozenset({RateLimitedAction.CODE_CHALLENGE})
# Calls that send a code before the caller proved anything.
CODE_REQUESTS: Final = frozenset({RateLimitedAction.BEGIN_CODE, RateLimitedAction.CHOOSE_CODE})
# The steps of a sign-in, in which trusted networks are limited separately.
SIGN_IN_STEPS: Final = (
    PASSWORD_GUESSES
    | CODE_GUESSES
    | CODE_REQUESTS
    | {RateLimitedAction.BEGIN, RateLimitedAction.CHALLENGE}
)
# The errors of wrong credentials; with any other error, nothing was guessed and nothing was sent.
WRONG_CREDENTIALS: Final = (
    AccountExists,
    ChallengeExpired,
    CodeExpired,
    CodeMismatch,
    InvalidCredentials,
)


def counts_against_account(action: RateLimitedAction, refusal: ServiceError) -> bool:
    """Return whether a failed call counts; a failed request for a code sent none."""
    return isinstance(refusal, WRONG_CREDENTIALS) and action not in CODE_REQUESTS
