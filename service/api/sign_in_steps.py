"""How the rate limiter counts each step of a sign-in and its outcome."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from service.config.settings import AuthConfig
from service.domain import mfa
from service.domain.client import Client
from service.domain.errors import (
    AccountNotConfirmed,
    InvalidCredentials,
    PasswordResetRequired,
    TemporaryPasswordExpired,
)
from service.domain.sessions import CUSTOM, Challenge, ChallengeAnswer, Tokens
from service.rate_limiting.limited_actions import RateLimitedAction
from service.rate_limiting.rate_limiter import RateLimiter

SELECT_CHALLENGE: Final = "SELECT_CHALLENGE"
SELECT_MFA_TYPE: Final = "SELECT_MFA_TYPE"
MFA_SETUP: Final = "MFA_SETUP"
SENT_FIRST_FACTORS: Final = frozenset({"EMAIL_OTP", "SMS_OTP"})
# Challenges after the first factor for which a code was sent, or which offer one.
SENT_MFA_CODES: Final = frozenset({mfa.EMAIL, mfa.SMS, SELECT_MFA_TYPE})


def action_of_log_in(password: str | None, preferred_challenge: str | None) -> RateLimitedAction:
    """Return the action of a log-in; the triggers of a custom challenge may send codes."""
    if password is not None:
        return RateLimitedAction.SIGN_IN
    sends = preferred_challenge in SENT_FIRST_FACTORS or preferred_challenge == CUSTOM
    return RateLimitedAction.BEGIN_CODE if sends else RateLimitedAction.BEGIN


def action_of_answer(answer: ChallengeAnswer) -> RateLimitedAction:
    """Return the action of an answer; a code of MFA_SETUP comes from the caller's own secret."""
    if answer.password is not None:
        return RateLimitedAction.PASSWORD_CHALLENGE
    if answer.code is not None and answer.name != MFA_SETUP:
        return RateLimitedAction.CODE_CHALLENGE
    if answer.name == SELECT_CHALLENGE and answer.choice in SENT_FIRST_FACTORS:
        return RateLimitedAction.CHOOSE_CODE
    return RateLimitedAction.CHALLENGE


def record_step(
    limiter: RateLimiter,
    username: str,
    client: Client,
    outcome: Tokens | Challenge,
    *,
    completes_first_factor: bool,
) -> None:
    """
    Record the outcome of a step of a sign-in with *limiter*.

    With *completes_first_factor*, the challenge that follows may come with a code that was sent.
    """
    if isinstance(outcome, Tokens):
        limiter.signed_in(username, client.address)
    elif completes_first_factor and outcome.name in SENT_MFA_CODES:
        limiter.mfa_code_sent(username)


def record_answer(
    limiter: RateLimiter, answer: ChallengeAnswer, client: Client, *, outcome: Tokens | Challenge
) -> None:
    """
    Record the outcome of an answer to a challenge with *limiter*.

    A custom challenge followed by another counts as a wrong code, which is how Cognito responds to one;
    completing the sign-in clears the count.
    """
    if isinstance(outcome, Challenge) and answer.name == outcome.name == CUSTOM:
        limiter.wrong_code(answer.username, client.address)
        return
    is_first = answer.name != SELECT_MFA_TYPE and not answer.is_choice_only
    record_step(limiter, answer.username, client, outcome, completes_first_factor=is_first)


@asynccontextmanager
async def hiding_account_state(auth: AuthConfig) -> AsyncIterator[None]:
    """
    Raise InvalidCredentials for an account that is not confirmed or needs a new password.

    Only with `uniform-signup`: after signing up with a name, the caller knows the password of a new
    account but not that of an existing one, so these states would reveal which of them it is.
    """
    try:
        yield
    except (AccountNotConfirmed, PasswordResetRequired, TemporaryPasswordExpired) as state:
        if not auth.uniform_signup:
            raise
        raise InvalidCredentials from state
