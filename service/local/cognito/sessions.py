"""Open and close the sessions between a challenge and its answer."""

import secrets
from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import CognitoIdpUserPool as Pool

from service.local.cognito.refusals import NotAuthorizedException
from service.local.cognito.settings import App
from service.local.cognito.state import Call, Cognito, Session

NEW_PASSWORD = "NEW_PASSWORD_REQUIRED"  # noqa: S105 -- the name of a challenge
TOTP = "SOFTWARE_TOKEN_MFA"
MFA_SETUP = "MFA_SETUP"
MFA_SET_UP = "MFA_SETUP, verified"  # ours: the session that VerifySoftwareToken gives
_TOKEN_BYTES = 600  # the length of Cognito's own: long enough to find columns that are too short


def challenge(
    cognito: Cognito, app: App, user: User, name: str, parameters: dict[str, str] | None = None
) -> dict[str, Any]:
    """Ask for an answer to a challenge."""
    return {
        "ChallengeName": name,
        "ChallengeParameters": {"USER_ID_FOR_SRP": user.username} | (parameters or {}),
        "Session": issue(cognito, app, user, name),
    }


def issue(cognito: Cognito, app: App, user: User, name: str) -> str:
    """Open a session for one challenge."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    cognito.sessions[token] = Session(
        app.pool, user, app.client.id, name, cognito.now() + app.session_s
    )
    return token


def require(call: Call, token: str, name: str) -> Session:
    """Give the session, if it was issued for this challenge and is still open."""
    session = call.cognito.sessions.get(token)
    if session is None or session.challenge != name or not _exists(session.pool, session.user):
        raise NotAuthorizedException("Invalid session for the user.")
    if session.expires_at <= call.now:
        raise NotAuthorizedException("Invalid session for the user, session is expired.")
    return session


def _exists(pool: Pool, user: User) -> bool:
    return pool.users.get(user.username) is user
