"""Challenges of the pool in memory: what is asked for between the first factor and the tokens."""

import json
from collections.abc import Mapping
from dataclasses import replace

from service.domain.mfa import EMAIL, SMS
from service.domain.sessions import Challenge, Tokens
from tests.support.fakes import web_authn
from tests.support.fakes.factors import active
from tests.support.fakes.first_factors import OTPS, available
from tests.support.fakes.passkeys import request_options
from tests.support.fakes.user import MemoryUser, Status
from tests.support.fakes.user_pool import MemoryUserPool, OpenChallenge

EMAIL_MFA = "EMAIL_OTP, second factor"  # a code by e-mail may be either factor
MFA_SET_UP = "MFA_SETUP, verified"
STEPS = {SMS: SMS, EMAIL: EMAIL_MFA}  # second factor by message -> what waits for its answer
ADDRESS_OF = {**OTPS, SMS: "phone_number", EMAIL_MFA: "email"}  # step -> where its code goes


def ask(
    pool: MemoryUserPool, waiting: OpenChallenge, parameters: Mapping[str, str] | None = None
) -> Challenge:
    """Ask for an answer."""
    session = pool.open_session(waiting)
    return Challenge(waiting.step.partition(",")[0], session, parameters or {})


def offer(pool: MemoryUserPool, user: MemoryUser) -> Challenge:
    """Let the user choose; the options of a passkey come along, so that it can be the answer."""
    choices = available(pool, user)
    challenge = web_authn.challenge(pool.number())
    passkeys = {}
    if "WEB_AUTHN" in choices:
        passkeys = _passkey_options(pool, user, challenge)
    asked = ask(pool, OpenChallenge(user, "SELECT_CHALLENGE", challenge), passkeys)
    return replace(asked, available=choices)


def ask_for(pool: MemoryUserPool, user: MemoryUser, factor: str) -> Challenge:
    """Ask for a first factor."""
    if factor in OTPS:
        return _ask_for_code(pool, user, factor)
    if factor == "WEB_AUTHN":
        challenge = web_authn.challenge(pool.number())
        options = _passkey_options(pool, user, challenge)
        return ask(pool, OpenChallenge(user, factor, challenge), options)
    return ask(pool, OpenChallenge(user, factor))


def let_in(pool: MemoryUserPool, user: MemoryUser) -> Tokens | Challenge:
    """Go on once it is proven who the user is."""
    if user.status is Status.NEW_PASSWORD_REQUIRED:
        own = {name: value for name, value in user.attributes.items() if name != "sub"}
        parameters = {"requiredAttributes": "[]", "userAttributes": json.dumps(own)}
        return ask(pool, OpenChallenge(user, "NEW_PASSWORD_REQUIRED"), parameters)
    return pool.challenge or proceed(pool, user)


def proceed(pool: MemoryUserPool, user: MemoryUser) -> Tokens | Challenge:
    """Ask for a second factor, or give tokens where none is due."""
    factors = active(pool, user)
    if user.preferred_factor in factors:
        factors = (user.preferred_factor,)
    if len(factors) > 1:
        choices = {"MFAS_CAN_CHOOSE": json.dumps(factors)}
        return ask(pool, OpenChallenge(user, "SELECT_MFA_TYPE"), choices)
    if factors:
        return ask_for_second(pool, user, factors[0])
    if pool.rules.mfa == "ON":
        offered = {"MFAS_CAN_SETUP": json.dumps(pool.rules.second_factors)}
        return ask(pool, OpenChallenge(user, "MFA_SETUP"), offered)
    return pool.grant(user)


def ask_for_second(pool: MemoryUserPool, user: MemoryUser, factor: str) -> Challenge:
    """Ask for a second factor."""
    if factor in STEPS:
        return _ask_for_code(pool, user, STEPS[factor])
    return ask(pool, OpenChallenge(user, factor))


def ask_for_custom(pool: MemoryUserPool, user: MemoryUser) -> Challenge:
    """Ask for the code of a custom challenge."""
    return ask(pool, OpenChallenge(user, "CUSTOM_CHALLENGE", pool.code_for(user)))


def _ask_for_code(pool: MemoryUserPool, user: MemoryUser, step: str) -> Challenge:
    delivery = pool.delivery(user, ADDRESS_OF[step])
    parameters = {
        "CODE_DELIVERY_DELIVERY_MEDIUM": delivery.medium,
        "CODE_DELIVERY_DESTINATION": delivery.destination,
    }
    return ask(pool, OpenChallenge(user, step, pool.code_for(user)), parameters)


def _passkey_options(pool: MemoryUserPool, user: MemoryUser, challenge: str) -> dict[str, str]:
    party = pool.rules.relying_party
    assert party is not None
    return {"CREDENTIAL_REQUEST_OPTIONS": request_options(user, party, challenge)}
