"""The active sessions of a user: the value, and the port of the signed-in user's sessions."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class UserSession:
    """
    An active session, as tracked by the user pool.

    *kind* is `token`, for a sign-in with its refresh tokens, or `sso`, for a sign-in on Cognito's pages.
    *device*, *address*, *city* and *country* are those of the last activity, None where they are unknown.
    *current* is true for the session of the access token that lists it.
    """

    session_id: str
    kind: str
    client_id: str
    created_at: datetime
    last_active_at: datetime
    current: bool
    device: str | None = field(default=None, repr=False)
    address: str | None = field(default=None, repr=False)
    city: str | None = field(default=None, repr=False)
    country: str | None = field(default=None, repr=False)


class UserSessions(Protocol):
    """
    The port of the signed-in user's sessions.

    All methods raise FeatureUnavailable where the user pool does not track sessions, TokenInvalid,
    AccountNotConfirmed, PasswordResetRequired, TryLater and ServiceFault errors. A session appears
    within seconds of its sign-in.
    """

    async def active(self, access_token: str) -> tuple[UserSession, ...]:
        """Return all active sessions."""

    async def revoke(self, access_token: str, session_id: str, *, linked: bool = False) -> None:
        """
        End another session: all of its tokens become invalid.

        With *linked*, also the SSO session that it came through, or the sessions that came through it.
        Raises SessionNotFound and SessionIsCurrent.
        """

    async def revoke_others(self, access_token: str) -> None:
        """
        End all sessions but the current one.

        If some cannot be ended, the others are ended all the same, and the error is raised.
        """
