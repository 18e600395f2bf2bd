"""What each step of a sign-in is to the limits, and what its outcome tells them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from service.config.settings import AuthConfig
from service.domain import mfa
from service.domain.client import Client
from service.domain.errors import AccountNotConfirmed, InvalidCredentials, PasswordResetRequired
from service.domain.sessions import CUSTOM, Answer, Challenge, Tokens
from service.rate_limiting.limited_actions import PASSWORD_GUESSES, RateLimitedAction
from service.rate_limiting.rate_limiter import RateLimiter

SELECT_CHALLENGE: Final = "SELECT_CHALLENGE"
SELECT_MFA_TYPE: Final = "SELECT_MFA_TYPE"
MFA_SETUP: Final = "MFA_SETUP"
SENT_FIRST_FACTORS: Final = frozenset({"EMAIL_OTP", "SMS_OTP"})
# Challenges after the first factor for which a code was sent, or for each of which one can be chosen.
SENT_MFA_CODES: Final = frozenset({mfa.EMAIL, mfa.SMS, SELECT_MFA_TYPE})


def kind_of_beginning(password: str | None, preferred_challenge: str | None) -> RateLimitedAction:
    """Return what beginning a sign-in is; a pool's own triggers (CUSTOM) may send codes."""
    if password is not None:
        return RateLimitedAction.SIGN_IN
    sends = preferred_challenge in SENT_FIRST_FACTORS or preferred_challenge == CUSTOM
    return RateLimitedAction.BEGIN_CODE if sends else RateLimitedAction.BEGIN


def kind_of_answer(answer: Answer) -> RateLimitedAction:
    """Return what answering a challenge is; a code of MFA_SETUP is of the caller's own secret."""
    if answer.password is not None:
        return RateLimitedAction.PASSWORD_CHALLENGE
    if answer.code is not None and answer.name != MFA_SETUP:
        return RateLimitedAction.CODE_CHALLENGE
    if answer.name == SELECT_CHALLENGE and answer.choice in SENT_FIRST_FACTORS:
        return RateLimitedAction.CHOOSE_CODE
    return RateLimitedAction.CHALLENGE


def note_beginning(
    limiter: RateLimiter,
    username: str,
    client: Client,
    *,
    outcome: Tokens | Challenge,
    kind: RateLimitedAction,
) -> None:
    """Tell *limiter* how a sign-in began."""
    if isinstance(outcome, Tokens):
        limiter.signed_in(username, client.address)
    elif kind in PASSWORD_GUESSES and outcome.name in SENT_MFA_CODES:
        limiter.mfa_code_sent(username)


def note_answer(
    limiter: RateLimiter, answer: Answer, client: Client, *, outcome: Tokens | Challenge
) -> None:
    """
    Tell *limiter* what came of an answer to a challenge.

    A custom challenge that is followed by another one counts as a wrong code, for that is how Cognito
    answers those; the sign-in that completes it clears the count.
    """
    if isinstance(outcome, Tokens):
        limiter.signed_in(answer.username, client.address)
    elif answer.name == outcome.name == CUSTOM:
        limiter.wrong_code(answer.username, client.address)
    elif _completes_first_factor(answer) and outcome.name in SENT_MFA_CODES:
        limiter.mfa_code_sent(answer.username)


def _completes_first_factor(answer: Answer) -> bool:
    """Return whether what comes after a right answer is the second factor."""
    return answer.name != SELECT_MFA_TYPE and not answer.proves_nothing


@asynccontextmanager
async def hiding_account_state(auth: AuthConfig) -> AsyncIterator[None]:
    """
    Raise InvalidCredentials for an account that is not confirmed or has to reset its password.

    Only where signing up is uniform: whoever has just signed up with a name knows the password of a new
    account, and not that of one that was there before.
    """
    try:
        yield
    except (AccountNotConfirmed, PasswordResetRequired) as state:
        if not auth.uniform_signup:
            raise
        raise InvalidCredentials from state
