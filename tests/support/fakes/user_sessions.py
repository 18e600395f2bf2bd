"""The UserSessions port in memory."""

from datetime import UTC, datetime

from service.domain.errors import FeatureUnavailable, SessionIsCurrent, SessionNotFound
from service.domain.user_sessions import UserSession
from tests.support.fakes.user_pool import Grant, MemoryUserPool

CLIENT_ID = "memory"


class MemoryUserSessions:
    """The UserSessions port on a pool in memory; its sessions are linked to none."""

    def __init__(self, pool: MemoryUserPool) -> None:
        self._pool = pool

    async def active(self, access_token: str) -> tuple[UserSession, ...]:
        """Return all active sessions."""
        current = self._current(access_token)
        return tuple(
            _session(grant, current=grant is current)
            for grant in self._pool.grants.values()
            if grant.user is current.user
        )

    async def revoke(self, access_token: str, session_id: str, *, linked: bool = False) -> None:
        """End another session."""
        del linked
        current = self._current(access_token)
        if session_id == current.session_id:
            raise SessionIsCurrent
        for refresh_token, grant in self._pool.grants.items():
            if grant.session_id == session_id and grant.user is current.user:
                del self._pool.grants[refresh_token]
                return
        raise SessionNotFound

    async def revoke_others(self, access_token: str) -> None:
        """End all sessions but the current one."""
        for session in await self.active(access_token):
            if not session.current:
                await self.revoke(access_token, session.session_id)

    def _current(self, access_token: str) -> Grant:
        grant = self._pool.grant_of(access_token)
        if not self._pool.rules.tracks_sessions:
            raise FeatureUnavailable
        return grant


def _session(grant: Grant, *, current: bool) -> UserSession:
    return UserSession(
        session_id=grant.session_id,
        kind="token",
        client_id=CLIENT_ID,
        created_at=datetime.fromtimestamp(grant.created_at, UTC),
        last_active_at=datetime.fromtimestamp(grant.last_active_at, UTC),
        current=current,
    )
