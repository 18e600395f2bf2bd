"""Choice-based sign-in: by password, code or passkey."""

from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User

from local_aws.cognito.directory import check_secret_hash
from local_aws.cognito.errors import InvalidParameterException
from local_aws.cognito.records import Session
from local_aws.cognito.settings import App
from local_aws.cognito.shapes import required
from local_aws.cognito.sign_in import (
    challenge_sessions,
    first_factors,
    one_time_codes,
    passkey_sign_in,
    password_sign_in,
    simulation,
    srp_sign_in,
)
from local_aws.cognito.state import Call

NAMES = {
    challenge_sessions.PASSWORD,
    challenge_sessions.EMAIL_OTP,
    challenge_sessions.SMS_OTP,
    challenge_sessions.WEB_AUTHN,
    challenge_sessions.PASSWORD_SRP,
}


def begin(call: Call, app: App, parameters: dict[str, str]) -> dict[str, Any]:
    """Handle InitiateAuth with USER_AUTH."""
    username = required(parameters, "USERNAME")
    check_secret_hash(app.client, username, parameters.get("SECRET_HASH"))
    user = simulation.require(call.cognito, app, username)
    if "Session" in call.parameters:
        return _after_sign_up(call, app, user)
    preferred = parameters.get("PREFERRED_CHALLENGE")
    if preferred is not None:
        _check_name(preferred)
    available = first_factors.available(call.cognito, app.pool, user)
    if _factor(preferred) not in available:
        return _offer(call, app, user, available)
    if preferred == challenge_sessions.PASSWORD and parameters.get("PASSWORD"):
        return password_sign_in.sign_in(call, app, user, parameters["PASSWORD"])
    if preferred == challenge_sessions.PASSWORD_SRP and "SRP_A" in parameters:
        asked = srp_sign_in.verifier_challenge(call, app, user, parameters)
    else:
        asked = _ask(call, app, user, str(preferred))
    return asked | {"AvailableChallenges": _challenges(available)}


def _challenges(factors: list[str]) -> list[str]:
    """Return the challenges that prove the factors: two for a password (InitiateAuth, Examples)."""
    by_srp = [challenge_sessions.PASSWORD_SRP] if challenge_sessions.PASSWORD in factors else []
    return [*by_srp, *factors]


def _factor(challenge: str | None) -> str | None:
    """Return the first factor of a challenge: SRP proves the password, too."""
    srp = challenge == challenge_sessions.PASSWORD_SRP
    return challenge_sessions.PASSWORD if srp else challenge


def _check_name(name: str) -> None:
    if name not in NAMES:
        raise InvalidParameterException(f"Invalid challenge {name}")


def _offer(call: Call, app: App, user: User, available: list[str]) -> dict[str, Any]:
    """Return SELECT_CHALLENGE; it includes the options of a passkey, so that one response can follow."""
    parameters, expected = None, None
    if challenge_sessions.WEB_AUTHN in available:
        parameters, expected = passkey_sign_in.options(call, app, user)
    name = challenge_sessions.SELECT_CHALLENGE
    challenge = challenge_sessions.challenge(
        call.cognito, app, user, name, parameters, expected=expected
    )
    return challenge | {"AvailableChallenges": _challenges(available)}


def _ask(call: Call, app: App, user: User, factor: str) -> dict[str, Any]:
    if factor in first_factors.CODES:
        return one_time_codes.challenge(call, app, user, factor)
    if factor == challenge_sessions.WEB_AUTHN:
        parameters, expected = passkey_sign_in.options(call, app, user)
        return challenge_sessions.challenge(
            call.cognito, app, user, factor, parameters, expected=expected
        )
    return challenge_sessions.challenge(call.cognito, app, user, factor)


def _after_sign_up(call: Call, app: App, user: User) -> dict[str, Any]:
    """Accept the code that confirmed the sign-up as the first factor."""
    token = challenge_sessions.require_own(call, app, user, challenge_sessions.CONFIRMED)
    result = password_sign_in.after_first_factor(call, app, user)
    del call.cognito.sessions[token]
    return result


def select(call: Call, app: App, session: Session, responses: dict[str, str]) -> dict[str, Any]:
    """Handle SELECT_CHALLENGE, including the response to the chosen challenge where the call has it."""
    chosen = required(responses, "ANSWER")
    _check_name(chosen)
    if _factor(chosen) not in first_factors.available(call.cognito, app.pool, session.user):
        raise InvalidParameterException("Selected challenge is not available")
    if chosen == challenge_sessions.PASSWORD and "PASSWORD" in responses:
        return password(call, app, session, responses)
    if chosen == challenge_sessions.PASSWORD_SRP and "SRP_A" in responses:
        return srp_sign_in.verifier_challenge(call, app, session.user, responses)
    if chosen == challenge_sessions.WEB_AUTHN and "CREDENTIAL" in responses:
        return passkey_sign_in.answer(call, app, session, responses)
    return _ask(call, app, session.user, chosen)


def password(call: Call, app: App, session: Session, responses: dict[str, str]) -> dict[str, Any]:
    """Handle PASSWORD."""
    typed = required(responses, "PASSWORD")
    return password_sign_in.sign_in(call, app, session.user, typed)


def password_srp(
    call: Call, app: App, session: Session, responses: dict[str, str]
) -> dict[str, Any]:
    """Handle PASSWORD_SRP."""
    return srp_sign_in.verifier_challenge(call, app, session.user, responses)


def code(call: Call, app: App, session: Session, responses: dict[str, str]) -> dict[str, Any]:
    """Handle EMAIL_OTP or SMS_OTP."""
    one_time_codes.check(app, session, responses)
    return password_sign_in.after_first_factor(call, app, session.user)
