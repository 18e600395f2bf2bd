"""An identity provider in memory."""

import itertools
import uuid
from dataclasses import dataclass, field

from service.domain.accounts import Challenge, Delivery, NewAccount, SignedUp, Tokens
from service.domain.errors import (
    AccountExists,
    AccountNotConfirmed,
    CodeMismatch,
    InvalidCredentials,
    RefreshTokenInvalid,
    TokenInvalid,
    WeakPassword,
)

SHORTEST_PASSWORD = 8


@dataclass(slots=True)
class _Account:
    username: str
    password: str
    code: str
    user_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    confirmed: bool = False
    sessions: dict[str, str] = field(default_factory=dict)  # refresh token -> access token


class MemoryIdentityProvider:
    """
    The IdentityProvider port on a dict.

    *challenge*, where set, is what logging in answers with instead of tokens.
    """

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = {}
        self._numbers = itertools.count(1)
        self.challenge: Challenge | None = None

    def code(self, username: str) -> str:
        """Return the code that was sent last."""
        return self._accounts[username.lower()].code

    async def sign_up(self, account: NewAccount) -> SignedUp:
        """Create an account."""
        if account.username.lower() in self._accounts:
            raise AccountExists
        if len(account.password) < SHORTEST_PASSWORD:
            raise WeakPassword
        new = _Account(account.username, account.password, self._new_code())
        self._accounts[account.username.lower()] = new
        email = account.attributes.get("email")
        delivery = Delivery("EMAIL", "a***@e***", "email") if email is not None else None
        return SignedUp(new.user_id, confirmed=False, delivery=delivery)

    async def confirm(self, username: str, code: str) -> None:
        """Confirm an account."""
        account = self._accounts.get(username.lower())
        if account is None or account.confirmed or account.code != code:
            raise CodeMismatch
        account.confirmed = True

    async def resend_code(self, username: str) -> None:
        """Send a new code to who waits for one."""
        account = self._accounts.get(username.lower())
        if account is not None and not account.confirmed:
            account.code = self._new_code()

    async def log_in(self, username: str, password: str) -> Tokens | Challenge:
        """Sign in."""
        account = self._accounts.get(username.lower())
        if account is None or account.password != password:
            raise InvalidCredentials
        if not account.confirmed:
            raise AccountNotConfirmed
        if self.challenge is not None:
            return self.challenge
        refresh_token = self._new_token("refresh")
        return self._tokens(account, refresh_token, shown=refresh_token)

    async def refresh(self, refresh_token: str) -> Tokens:
        """Give new tokens; the refresh token stays in use."""
        account = self._owner(refresh_token)
        if account is None:
            raise RefreshTokenInvalid
        return self._tokens(account, refresh_token, shown=None)

    async def revoke(self, refresh_token: str) -> None:
        """End a session."""
        account = self._owner(refresh_token)
        if account is not None:
            del account.sessions[refresh_token]

    async def sign_out_everywhere(self, access_token: str) -> None:
        """End every session of a user."""
        for account in self._accounts.values():
            if access_token in account.sessions.values():
                account.sessions.clear()
                return
        raise TokenInvalid

    def _owner(self, refresh_token: str) -> _Account | None:
        return next(
            (account for account in self._accounts.values() if refresh_token in account.sessions),
            None,
        )

    def _tokens(self, account: _Account, refresh_token: str, *, shown: str | None) -> Tokens:
        access_token = account.sessions[refresh_token] = self._new_token("access")
        return Tokens(account.user_id, self._new_token("id"), access_token, shown, 3_600)

    def _new_code(self) -> str:
        return f"{next(self._numbers):06}"

    def _new_token(self, use: str) -> str:
        return f"{use}.{next(self._numbers)}"
