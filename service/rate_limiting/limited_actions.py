"""The actions that the limits tell apart, and which of them send codes or guess secrets."""

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
    """What a call is for."""

    SIGN_UP = auto()
    CONFIRM = auto()
    RESEND = auto()
    SIGN_IN = auto()  # with a password
    BEGIN = auto()  # a sign-in that brings no password and sends no code
    BEGIN_CODE = auto()  # a sign-in that begins with a code that is sent
    CHALLENGE = auto()
    CODE_CHALLENGE = auto()  # a challenge that is answered with a code
    PASSWORD_CHALLENGE = auto()  # a challenge that is answered with the password
    CHOOSE_CODE = auto()  # the choice of a code that is sent, as the first factor
    FORGOT = auto()
    RESET = auto()
    TOKEN = auto()  # refreshing, logging out
    READ = auto()  # signed in, as the following
    UPDATE = auto()
    CHANGE_PASSWORD = auto()


class Quota(Enum):
    """Cognito's categories of calls, each with a quota of its own."""

    SIGN_IN = auto()  # UserAuthentication
    CHALLENGE = auto()  # RespondToAuthChallenge, with three times the quota of the former
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
}
SIGNED_IN: Final = frozenset(
    {RateLimitedAction.READ, RateLimitedAction.UPDATE, RateLimitedAction.CHANGE_PASSWORD}
)
PASSWORD_GUESSES: Final = frozenset(
    {RateLimitedAction.SIGN_IN, RateLimitedAction.PASSWORD_CHALLENGE}
)
CODE_GUESSES: Final = frozenset({RateLimitedAction.CODE_CHALLENGE})
# Calls that send a code to whoever has the name, before anything was proved.
CODE_REQUESTS: Final = frozenset({RateLimitedAction.BEGIN_CODE, RateLimitedAction.CHOOSE_CODE})
# The calls of a sign-in, for which a network that the user signed in from has limits of its own.
SIGN_IN_STEPS: Final = (
    PASSWORD_GUESSES
    | CODE_GUESSES
    | CODE_REQUESTS
    | {RateLimitedAction.BEGIN, RateLimitedAction.CHALLENGE}
)
# What is said of a wrong guess. Any other refusal says nothing of a secret, and nothing was sent.
WRONG_GUESS: Final = (
    AccountExists,
    ChallengeExpired,
    CodeExpired,
    CodeMismatch,
    InvalidCredentials,
)


def counts_against_name(kind: RateLimitedAction, refusal: ServiceError) -> bool:
    """Return whether a call that was refused counts; a request for a code that was refused sent none."""
    return isinstance(refusal, WRONG_GUESS) and kind not in CODE_REQUESTS
