"""The first factor of a sign-in to the pool in memory."""

from service.domain.errors import (
    AccountNotConfirmed,
    InvalidCredentials,
    PasswordResetRequired,
)
from service.domain.mfa import PASSKEY
from tests.support.fakes import factors
from tests.support.fakes.user import MemoryUser, Status
from tests.support.fakes.user_pool import MemoryUserPool

FREE_FAILURES = 5
LONGEST_LOCK_S = 900
CHALLENGES = ("PASSWORD", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN")
OTPS = {"EMAIL_OTP": "email", "SMS_OTP": "phone_number"}


def available(pool: MemoryUserPool, user: MemoryUser) -> tuple[str, ...]:
    """
    Return the factors with which the user can begin.

    A second factor goes with a password: who has one begins with the password, or with a passkey that
    is both factors.
    """
    if factors.active(pool, user):
        return ("PASSWORD", "WEB_AUTHN") if PASSKEY in user.enabled_factors else ("PASSWORD",)
    has = {name for name, attribute in OTPS.items() if attribute in user.attributes}
    if user.password is not None or user.phantom:
        has.add("PASSWORD")
    if user.passkeys:
        has.add("WEB_AUTHN")
    return tuple(name for name in pool.rules.first_factors if name in has)


def check_password(user: MemoryUser, password: str, now: float) -> None:
    """Refuse a wrong password, and any password while the user is locked out."""
    if now < user.locked_until:
        raise InvalidCredentials
    if user.password != password:
        user.failures += 1
        beyond = user.failures - FREE_FAILURES
        if beyond >= 0:
            user.locked_until = now + min(2**beyond, LONGEST_LOCK_S)
        raise InvalidCredentials
    user.failures = 0


def check_state(user: MemoryUser) -> None:
    """Refuse a user who is who it says, and still may not sign in."""
    if user.status is Status.RESET_REQUIRED:
        raise PasswordResetRequired
    if user.status is Status.UNCONFIRMED:
        raise AccountNotConfirmed
