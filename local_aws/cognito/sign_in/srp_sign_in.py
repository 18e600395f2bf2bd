"""Sign-in by SRP: the password is proved, and not sent."""

import secrets
from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import UserStatus

from local_aws.cognito.directory import check_secret_hash
from local_aws.cognito.errors import NotAuthorizedException, PasswordResetRequiredException
from local_aws.cognito.records import Expected, Session
from local_aws.cognito.settings import App
from local_aws.cognito.shapes import required
from local_aws.cognito.sign_in import (
    challenge_sessions,
    lockout,
    password_sign_in,
    simulation,
    srp,
    srp_exchange,
)
from local_aws.cognito.state import Call

SALT_BYTES = 16


def begin(call: Call, app: App, parameters: dict[str, str]) -> dict[str, Any]:
    """Handle InitiateAuth with USER_SRP_AUTH; its challenge has no session but the secret block."""
    username = required(parameters, "USERNAME")
    public = srp_exchange.client_public(parameters)
    check_secret_hash(app.client, username, parameters.get("SECRET_HASH"))
    user = simulation.require(call.cognito, app, username)
    challenge = _challenge(call, app, user, public)
    session = call.cognito.sessions.pop(challenge.pop("Session"))
    call.cognito.sessions[challenge["ChallengeParameters"]["SECRET_BLOCK"]] = session
    return challenge


def verifier_challenge(
    call: Call, app: App, user: User, parameters: dict[str, str]
) -> dict[str, Any]:
    """Return PASSWORD_VERIFIER in a choice-based sign-in, which has a session."""
    return _challenge(call, app, user, srp_exchange.client_public(parameters))


def _challenge(call: Call, app: App, user: User, client_public: int) -> dict[str, Any]:
    account = call.cognito.account(user)
    if not account.srp_salt:
        account.srp_salt = secrets.token_hex(SALT_BYTES)
    exchange, shown = srp_exchange.begin(_verifier(call, app, user), client_public)
    shown |= {
        "SALT": account.srp_salt,
        "USERNAME": user.username,
        "USER_ID_FOR_SRP": user.username,
    }
    name = challenge_sessions.PASSWORD_VERIFIER
    expected = Expected(srp=exchange)
    return challenge_sessions.challenge(call.cognito, app, user, name, shown, expected=expected)


def _verifier(call: Call, app: App, user: User) -> int:
    """Return that of the user's password; of a random one for a user without a password."""
    password = secrets.token_urlsafe() if user.password is None else user.password
    salt = int(call.cognito.account(user).srp_salt, 16)
    x = srp.password_hash(_pool_name(app), user.username, password, salt)
    return srp.password_verifier(x)


def _pool_name(app: App) -> str:
    return str(app.pool.id.partition("_")[2])


def session_token(call: Call, responses: dict[str, str]) -> str:
    """Return the session of a response to PASSWORD_VERIFIER: that of the call, or the secret block."""
    block = required(responses, "PASSWORD_CLAIM_SECRET_BLOCK")
    if "Session" in call.parameters:
        return str(call.parameters["Session"])
    if block not in call.cognito.sessions:
        raise NotAuthorizedException
    return block


def verify(call: Call, app: App, session: Session, responses: dict[str, str]) -> dict[str, Any]:
    """Handle PASSWORD_VERIFIER."""
    user, exchange = session.user, session.expected.srp
    assert exchange is not None  # noqa: S101 -- sessions of this challenge have one
    if user.status is UserStatus.RESET_REQUIRED:
        raise PasswordResetRequiredException
    lockout.check(call, user)
    verifier, identity = _verifier(call, app, user), f"{_pool_name(app)}{user.username}"
    if not srp_exchange.is_proved(exchange, verifier, identity, responses):
        lockout.count_failure(call, user)
        raise NotAuthorizedException
    return password_sign_in.after_first_factor(call, app, user)
