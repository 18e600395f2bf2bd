"""The UserSessions port on Cognito."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from service.aws.errors import required
from service.domain.errors import (
    ChallengeExpired,
    InvalidParameter,
    SessionIsCurrent,
    SessionNotFound,
    TokenInvalid,
    UpstreamUnavailable,
)
from service.domain.user_sessions import UserSession

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.cognito.user_pool_client import UserPoolClient

CONCURRENT_REVOCATIONS: Final = 5  # a user has at most 125 sessions, and one deadline to end them
UNKNOWN: Final = "unknown"  # Cognito's value for a device or country that it cannot name


class CognitoUserSessions:
    """The UserSessions port on a user pool."""

    def __init__(self, user_pool: UserPoolClient) -> None:
        self._user_pool = user_pool

    async def active(self, access_token: str) -> tuple[UserSession, ...]:
        """Return all active sessions."""
        found = await self._user_pool.pages(
            "ListUserSessions", "Sessions", AccessToken=access_token
        )
        return tuple(map(_session, found))

    async def revoke(self, access_token: str, session_id: str, *, linked: bool = False) -> None:
        """
        End another session.

        Which exception refuses the current session is not documented: after that of a wrong parameter, of
        a token, or one about "session", the sessions are listed to find out.
        """
        try:
            await self._revoke_once(access_token, session_id, linked=linked)
        except (ChallengeExpired, InvalidParameter, TokenInvalid) as refusal:
            sessions = await self.active(access_token)
            if any(session.current and session.session_id == session_id for session in sessions):
                raise SessionIsCurrent from refusal
            if isinstance(refusal, InvalidParameter):
                raise SessionNotFound from refusal
            raise

    async def revoke_others(self, access_token: str) -> None:
        """End all sessions but the current one, several at a time."""
        slots = asyncio.Semaphore(CONCURRENT_REVOCATIONS)

        async def revoke(session: UserSession) -> None:
            async with slots:
                with suppress(SessionNotFound, SessionIsCurrent):
                    await self.revoke(access_token, session.session_id)

        others = [session for session in await self.active(access_token) if not session.current]
        outcomes = await asyncio.gather(*map(revoke, others), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _revoke_once(self, access_token: str, session_id: str, *, linked: bool) -> None:
        """Revoke; after a lost response once more, and ResourceNotFoundException is then a success."""
        try:
            await self._revoke(access_token, session_id, linked=linked)
        except UpstreamUnavailable:
            with suppress(SessionNotFound):
                await self._revoke(access_token, session_id, linked=linked)

    async def _revoke(self, access_token: str, session_id: str, *, linked: bool) -> None:
        await self._user_pool.call(
            "RevokeUserSession",
            AccessToken=access_token,
            SessionId=session_id,
            RevokeAssociatedSessions="LINKED" if linked else None,
        )


def _session(description: Mapping[str, Any]) -> UserSession:
    location = description.get("LastLocation") or {}
    return UserSession(
        session_id=required(description, "SessionId"),
        kind=required(description, "SessionType").lower(),
        client_id=required(description, "ClientId"),
        created_at=required(description, "CreateDate"),
        last_active_at=required(description, "LastActiveDate"),
        current=description.get("IsCurrentSession", False),
        device=_known(description.get("DeviceType")),
        address=_known(description.get("LastIPAddress")),
        city=_known(location.get("City")),
        country=_known(location.get("Country")),
    )


def _known(value: str | None) -> str | None:
    return None if value in {None, "", UNKNOWN} else value
