"""Sessions between a challenge and its response."""

import secrets
from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User

from local_aws.cognito.errors import NotAuthorizedException
from local_aws.cognito.records import Expected, Session
from local_aws.cognito.settings import App
from local_aws.cognito.state import Call, Cognito

# The challenge of each session; what follows a comma distinguishes sessions of the same challenge name.
SELECT_CHALLENGE = "SELECT_CHALLENGE"
PASSWORD = "PASSWORD"  # noqa: S105 -- the name of a challenge
PASSWORD_SRP = "PASSWORD_SRP"  # noqa: S105 -- the name of a challenge
PASSWORD_VERIFIER = "PASSWORD_VERIFIER"  # noqa: S105 -- the name of a challenge
EMAIL_OTP = "EMAIL_OTP"
SMS_OTP = "SMS_OTP"
WEB_AUTHN = "WEB_AUTHN"
CUSTOM = "CUSTOM_CHALLENGE"
NEW_PASSWORD = "NEW_PASSWORD_REQUIRED"  # noqa: S105 -- the name of a challenge
SELECT_MFA_TYPE = "SELECT_MFA_TYPE"
SMS_MFA = "SMS_MFA"
EMAIL_MFA = "EMAIL_OTP, second factor"  # a code by e-mail may be either factor
TOTP = "SOFTWARE_TOKEN_MFA"
MFA_SETUP = "MFA_SETUP"
MFA_SET_UP = "MFA_SETUP, verified"  # the session that VerifySoftwareToken gives
DEVICE_SRP = "DEVICE_SRP_AUTH"
DEVICE_VERIFIER = "DEVICE_PASSWORD_VERIFIER"
SIGNED_UP = ", signed up"  # from SignUp to ConfirmSignUp
CONFIRMED = ", confirmed"  # from ConfirmSignUp to InitiateAuth

# The caller is not authenticated yet, so these challenges reveal nothing about the user.
FIRST_FACTORS = {
    *(SELECT_CHALLENGE, PASSWORD, PASSWORD_SRP, PASSWORD_VERIFIER),
    *(EMAIL_OTP, SMS_OTP, WEB_AUTHN, CUSTOM),
}

_TOKEN_BYTES = 600  # about the length of Cognito's, which finds columns that are too short


def challenge(  # noqa: PLR0913 -- the parts of a challenge
    cognito: Cognito,
    app: App,
    user: User,
    name: str,
    parameters: dict[str, str] | None = None,
    *,
    expected: Expected | None = None,
) -> dict[str, Any]:
    """Return a challenge with a new session."""
    shown = {} if name in FIRST_FACTORS else {"USER_ID_FOR_SRP": user.username}
    return {
        "ChallengeName": name.partition(",")[0],
        "ChallengeParameters": shown | (parameters or {}),
        "Session": issue(cognito, app, user, name, expected),
    }


def issue(
    cognito: Cognito, app: App, user: User, name: str, expected: Expected | None = None
) -> str:
    """Return the token of a new session for one challenge."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    cognito.sessions[token] = Session(
        app.pool,
        user,
        app.client.id,
        name,
        cognito.now() + app.session_s,
        expected or Expected(),
    )
    return token


def require(call: Call, token: str, *names: str) -> Session:
    """Return the open session of one of these challenges; raises NotAuthorizedException."""
    session = call.cognito.sessions.get(token)
    if session is None or session.challenge not in names or not _exists(call.cognito, session):
        raise NotAuthorizedException("Invalid session for the user.")
    if session.expires_at <= call.now:
        raise NotAuthorizedException("Invalid session for the user, session is expired.")
    return session


def require_own(call: Call, app: App, user: User, name: str) -> str:
    """Return the session token of the call; raises unless it was issued for this user and client."""
    token = str(call.parameters["Session"])
    session = require(call, token, name)
    if session.user is not user or session.client_id != app.client.id:
        raise NotAuthorizedException("Invalid session for the user.")
    return token


def _exists(cognito: Cognito, session: Session) -> bool:
    user = session.user
    return session.pool.users.get(user.username) is user or cognito.account(user).simulated
