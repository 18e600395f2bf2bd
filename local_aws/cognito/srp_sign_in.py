"""Sign-in by SRP: the password is proved, and not sent."""

import base64
import binascii
import hmac
import re
import secrets
from datetime import UTC, datetime
from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import UserStatus

from local_aws.cognito import challenge_sessions, lockout, password_sign_in, simulation, srp
from local_aws.cognito.directory import check_secret_hash
from local_aws.cognito.errors import (
    InvalidParameterException,
    NotAuthorizedException,
    PasswordResetRequiredException,
)
from local_aws.cognito.settings import App
from local_aws.cognito.shapes import required
from local_aws.cognito.state import Call, Expected, Session, SrpExchange

SALT_BYTES = 16
BLOCK_BYTES = 800  # about the length of Cognito's
HEXADECIMAL = re.compile(r"[0-9A-Fa-f]+")
TIMESTAMP = "%a %b %d %H:%M:%S UTC %Y"


def begin(call: Call, app: App, parameters: dict[str, str]) -> dict[str, Any]:
    """Handle InitiateAuth with USER_SRP_AUTH; its challenge has no session but the secret block."""
    username = required(parameters, "USERNAME")
    public = _client_public(parameters)
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
    return _challenge(call, app, user, _client_public(parameters))


def _client_public(parameters: dict[str, str]) -> int:
    text = required(parameters, "SRP_A")
    number = int(text, 16) if HEXADECIMAL.fullmatch(text) else 0
    if number % srp.N == 0:  # the session key would not depend on the password
        raise InvalidParameterException("SRP_A is not a number of the group in hexadecimal")
    return number


def _challenge(call: Call, app: App, user: User, client_public: int) -> dict[str, Any]:
    account = call.cognito.account(user)
    if not account.srp_salt:
        account.srp_salt = secrets.token_hex(SALT_BYTES)
    block = base64.b64encode(secrets.token_bytes(BLOCK_BYTES)).decode()
    exchange = SrpExchange(srp.new_secret(), client_public, block)
    shown = {
        "SALT": account.srp_salt,
        "SECRET_BLOCK": block,
        "SRP_B": f"{srp.server_public(_password_hash(call, app, user), exchange.private):x}",
        "USERNAME": user.username,
        "USER_ID_FOR_SRP": user.username,
    }
    name = challenge_sessions.PASSWORD_VERIFIER
    expected = Expected(srp=exchange)
    return challenge_sessions.challenge(call.cognito, app, user, name, shown, expected=expected)


def _password_hash(call: Call, app: App, user: User) -> int:
    """Return x of the user's password; of a random one for a user without a password."""
    password = secrets.token_urlsafe() if user.password is None else user.password
    salt = int(call.cognito.account(user).srp_salt, 16)
    return srp.password_hash(_pool_name(app), user.username, password, salt)


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
    proof = required(responses, "PASSWORD_CLAIM_SIGNATURE")
    timestamp = _canonical(required(responses, "TIMESTAMP"))
    if user.status is UserStatus.RESET_REQUIRED:
        raise PasswordResetRequiredException
    lockout.check(call, user)
    key = srp.server_key(_password_hash(call, app, user), exchange.private, exchange.client_public)
    block = base64.b64decode(exchange.secret_block)
    expected = srp.signature(key, _pool_name(app), user.username, block, timestamp)
    same_block = responses["PASSWORD_CLAIM_SECRET_BLOCK"] == exchange.secret_block
    if not hmac.compare_digest(expected, _decoded(proof)) or not same_block:
        lockout.count_failure(call, user)
        raise NotAuthorizedException
    return password_sign_in.after_first_factor(call, app, user)


def _decoded(proof: str) -> bytes:
    try:
        return base64.b64decode(proof, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidParameterException("PASSWORD_CLAIM_SIGNATURE is not in Base64") from None


def _canonical(text: str) -> str:
    """
    Return a timestamp as Cognito writes it, which is what it signs.

    Another day of the week, or a day of the month with a zero, is read, but then has another signature:
    https://github.com/ministackorg/ministack/pull/1758
    """
    try:
        parsed = datetime.strptime(text, TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        raise InvalidParameterException(
            "TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english."
        ) from None
    return parsed.strftime(f"%a %b {parsed.day} %H:%M:%S UTC %Y")
