"""Answers to the challenges of the pool in memory."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from service.domain.errors import CodeMismatch, InvalidCredentials, InvalidFields
from service.domain.mfa import PASSKEY, TOTP
from service.domain.sessions import Challenge, ChallengeAnswer, Tokens
from tests.support.fakes import attributes, challenges, factors, first_factors, totp, web_authn
from tests.support.fakes.user import Status
from tests.support.fakes.user_pool import MemoryUserPool, OpenChallenge

CUSTOM_TRIES = 3


def take(pool: MemoryUserPool, answer: ChallengeAnswer) -> Tokens | Challenge:
    """Check an answer, and give the next challenge or tokens; a wrong one may be tried again."""
    steps = STEPS[answer.name]
    waiting = pool.session(answer.session, answer.username, *steps)
    outcome = steps[waiting.step](pool, waiting, answer)
    pool.close_session(answer.session)
    return outcome


def _given(value: str | None) -> str:
    if value is None:
        raise InvalidFields.of("answer", "Is required.")
    return value


def _choice(
    pool: MemoryUserPool, waiting: OpenChallenge, answer: ChallengeAnswer
) -> Tokens | Challenge:
    user, choice = waiting.user, _given(answer.choice)
    if choice not in first_factors.available(pool, user):
        raise InvalidFields.of("answer", "Is not valid for this challenge.")
    if choice == "PASSWORD" and answer.password is not None:
        return _password(pool, waiting, answer)
    if choice == "WEB_AUTHN" and answer.credential is not None:
        return _credential(pool, waiting, answer)
    return challenges.ask_for(pool, user, choice)


def _password(
    pool: MemoryUserPool, waiting: OpenChallenge, answer: ChallengeAnswer
) -> Tokens | Challenge:
    first_factors.check_password(waiting.user, _given(answer.password), pool.clock())
    first_factors.check_state(waiting.user)
    return challenges.let_in(pool, waiting.user)


def _credential(
    pool: MemoryUserPool, waiting: OpenChallenge, answer: ChallengeAnswer
) -> Tokens | Challenge:
    credential, party = _given(answer.credential), pool.rules.relying_party
    assert party is not None
    web_authn.check_sign_in(waiting.user, credential, waiting.secret, party)
    first_factors.check_state(waiting.user)
    if PASSKEY in waiting.user.enabled_factors:
        return pool.grant(waiting.user)
    return challenges.let_in(pool, waiting.user)


def _first_code(
    pool: MemoryUserPool, waiting: OpenChallenge, answer: ChallengeAnswer
) -> Tokens | Challenge:
    _check_code(pool, waiting, answer)
    first_factors.check_state(waiting.user)
    return challenges.let_in(pool, waiting.user)


def _second_code(pool: MemoryUserPool, waiting: OpenChallenge, answer: ChallengeAnswer) -> Tokens:
    _check_code(pool, waiting, answer)
    return pool.grant(waiting.user)


def _check_code(pool: MemoryUserPool, waiting: OpenChallenge, answer: ChallengeAnswer) -> None:
    """Refuse a wrong code; a right one proves the address."""
    if _given(answer.code) != waiting.secret:
        raise CodeMismatch
    pool.prove(waiting.user, challenges.ADDRESS_OF[waiting.step])


def _totp(pool: MemoryUserPool, waiting: OpenChallenge, answer: ChallengeAnswer) -> Tokens:
    secret = waiting.user.totp_secret
    assert secret is not None
    totp.spend(waiting.user, secret, _given(answer.code), pool.clock())
    return pool.grant(waiting.user)


def _second_choice(
    pool: MemoryUserPool, waiting: OpenChallenge, answer: ChallengeAnswer
) -> Challenge:
    choice = _given(answer.choice)
    if choice not in factors.active(pool, waiting.user):
        raise InvalidFields.of("answer", "Is not valid for this challenge.")
    return challenges.ask_for_second(pool, waiting.user, choice)


def _set_up(
    pool: MemoryUserPool, waiting: OpenChallenge, answer: ChallengeAnswer
) -> Tokens | Challenge:
    """Take the choice of an app, which is answered with its secret, or a code of that app."""
    user = waiting.user
    if answer.code is None:
        if answer.choice != TOTP:
            raise InvalidFields.of("answer.choice", "Only an authenticator app can be set up.")
        secret = factors.associate(pool, user)
        return challenges.ask(pool, waiting, {"SECRET_CODE": secret})
    factors.verify(pool, user, answer.code)
    user.enabled_factors, user.preferred_factor = (TOTP,), TOTP
    return pool.grant(user)


def _new_password(
    pool: MemoryUserPool, waiting: OpenChallenge, answer: ChallengeAnswer
) -> Tokens | Challenge:
    password = _given(answer.new_password)
    pool.check_password(password)
    attributes.check(answer.attributes, "answer.")
    waiting.user.attributes.update(answer.attributes)
    waiting.user.password = password
    waiting.user.status = Status.CONFIRMED
    return challenges.proceed(pool, waiting.user)


def _custom(
    pool: MemoryUserPool, waiting: OpenChallenge, answer: ChallengeAnswer
) -> Tokens | Challenge:
    """Take a code; a wrong one is followed by the same challenge, until the tries are used up."""
    if _given(answer.code) == waiting.secret:
        return pool.grant(waiting.user)
    again = replace(waiting, wrong_answers=waiting.wrong_answers + 1)
    if again.wrong_answers == CUSTOM_TRIES:
        pool.close_session(answer.session)
        raise InvalidCredentials
    return challenges.ask(pool, again)


Take = Callable[[MemoryUserPool, OpenChallenge, ChallengeAnswer], Tokens | Challenge]

# Each challenge with the steps that it may be, and what takes the answer in each.
STEPS: Mapping[str, Mapping[str, Take]] = {
    "CUSTOM_CHALLENGE": {"CUSTOM_CHALLENGE": _custom},
    "EMAIL_OTP": {"EMAIL_OTP": _first_code, challenges.EMAIL_MFA: _second_code},
    "MFA_SETUP": {"MFA_SETUP": _set_up},
    "NEW_PASSWORD_REQUIRED": {"NEW_PASSWORD_REQUIRED": _new_password},
    "PASSWORD": {"PASSWORD": _password},
    "SELECT_CHALLENGE": {"SELECT_CHALLENGE": _choice},
    "SELECT_MFA_TYPE": {"SELECT_MFA_TYPE": _second_choice},
    "SMS_MFA": {"SMS_MFA": _second_code},
    "SMS_OTP": {"SMS_OTP": _first_code},
    "SOFTWARE_TOKEN_MFA": {"SOFTWARE_TOKEN_MFA": _totp},
    "WEB_AUTHN": {"WEB_AUTHN": _credential},
}
