"""Authorization codes, and the sessions of browsers at the domain."""

import secrets
import uuid
from dataclasses import dataclass, field

from moto.cognitoidp.models import CognitoIdpUser as User

from local_aws.cognito.records import Grant
from local_aws.cognito.settings import HOUR_S, MINUTE_S
from local_aws.cognito.state import Cognito
from local_aws.domain.authorization import Authorization

# Developer guide, "The redirect and authorization endpoint".
CODE_S = 5 * MINUTE_S
SESSION_S = HOUR_S


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A code that was not exchanged yet, and the grant of its sign-in."""

    authorization: Authorization
    grant: Grant
    refresh_token: str = field(repr=False)
    expires_at: float


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A browser that signed in at the domain."""

    pool_id: str
    user: User
    expires_at: float


class DomainState:
    """The state of the domain of all user pools of one local Cognito."""

    def __init__(self, cognito: Cognito) -> None:
        self.cognito = cognito
        self._codes: dict[str, IssuedCode] = {}
        self._browsers: dict[str, BrowserSession] = {}

    def issue_code(self, authorization: Authorization, grant: Grant, refresh_token: str) -> str:
        """Return a new code."""
        code = str(uuid.uuid4())
        expires_at = self.cognito.now() + CODE_S
        self._codes[code] = IssuedCode(authorization, grant, refresh_token, expires_at)
        return code

    def take_code(self, code: str, client_id: str) -> IssuedCode | None:
        """Return what was issued, once and in time, to the client; otherwise None."""
        issued = self._codes.get(code)
        if issued is None or issued.grant.client_id != client_id:
            return None
        del self._codes[code]
        return issued if self.cognito.now() < issued.expires_at else None

    def open_session(self, pool_id: str, user: User) -> str:
        """Return the cookie of a browser that signed in."""
        cookie = secrets.token_urlsafe()
        expires_at = self.cognito.now() + SESSION_S
        self._browsers[cookie] = BrowserSession(pool_id, user, expires_at)
        return cookie

    def session(self, cookie: str | None, pool_id: str) -> User | None:
        """Return the user of a browser at a pool, None if there is none any more."""
        known = self._browsers.get(cookie or "")
        if known is None or known.pool_id != pool_id or known.expires_at <= self.cognito.now():
            return None
        return known.user

    def close_session(self, cookie: str | None) -> None:
        """End the session of a browser."""
        self._browsers.pop(cookie or "", None)
