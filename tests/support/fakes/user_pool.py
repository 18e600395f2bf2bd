"""A user pool in memory: its users, the codes that it sent, its sessions and tokens."""

import itertools
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import jwt

from service.domain.accounts import Delivery
from service.domain.errors import (
    AliasExists,
    ChallengeExpired,
    InvalidFields,
    TokenInvalid,
    WeakPassword,
)
from service.domain.sessions import Challenge, Tokens
from tests.support.fakes.user import MemoryUser, Status
from tests.support.fakes.user_pool_rules import PoolRules

SHORTEST_PASSWORD = 8
ACCESS_TOKEN_S = 3_600
SIGNING_KEY = "of nobody, for nothing is verified"
MEDIA = {"phone_number": "SMS", "email": "EMAIL"}
AUTO_VERIFIED = ("email",)


@dataclass(slots=True)
class Grant:
    """What one sign-in gave."""

    user: MemoryUser
    session_id: str
    created_at: float
    last_active_at: float
    device_key: str | None = None
    access_tokens: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class OpenChallenge:
    """A challenge that waits for its answer; *secret* is what the answer is compared with."""

    user: MemoryUser
    step: str
    secret: str = field(default="", repr=False)
    wrong_answers: int = 0


class MemoryUserPool:
    """
    The state behind the ports of the accounts.

    *challenge*, where set, is what logging in answers with instead of tokens.
    """

    def __init__(
        self,
        rules: PoolRules | None = None,
        *,
        clock: Callable[[], float] = time.time,  # noqa: TID251 -- as Cognito does
    ) -> None:
        self.rules = rules or PoolRules()
        self.clock = clock
        self.challenge: Challenge | None = None
        self.grants: dict[str, Grant] = {}  # by the refresh token
        self.exchanged: set[str] = set()  # refresh tokens that were rotated away
        self._numbers = itertools.count(1)
        self._users: list[MemoryUser] = []
        self._phantoms: dict[str, MemoryUser] = {}
        self._sent: dict[str, str] = {}
        self._open: dict[str, OpenChallenge] = {}

    def code(self, username: str) -> str:
        """Return the code that was sent to a user last."""
        return self._sent[username.lower()]

    def number(self) -> int:
        """Return a number that was not drawn before."""
        return next(self._numbers)

    def find(self, name: str) -> MemoryUser | None:
        """Return the user of that name, in any case of letters, or None."""
        return next(
            (user for user in self._users if name.lower() in map(str.lower, self._names(user))),
            None,
        )

    def find_or_invent(self, name: str) -> MemoryUser:
        """Return the user of that name; a phantom where there is none."""
        user = self.find(name)
        if user is not None:
            return user
        return self._phantoms.setdefault(
            name.lower(),
            MemoryUser(
                "", name, None, {"email": "a@example.com"}, status=Status.CONFIRMED, phantom=True
            ),
        )

    def add(self, username: str, password: str | None, attributes: dict[str, str]) -> MemoryUser:
        """Add a user; the name must be free."""
        user_id = str(uuid.UUID(int=self.number()))
        named = dict.fromkeys(self.rules.usernames, username)
        user = MemoryUser(
            user_id=user_id,
            username=user_id if named else username,
            password=password,
            attributes={**attributes, **named, "sub": user_id},
        )
        self._users.append(user)
        return user

    def remove(self, user: MemoryUser) -> None:
        """Delete a user with all sessions."""
        self.end_sessions(user)
        self._users.remove(user)

    def invite(self, username: str, password: str, attributes: dict[str, str]) -> None:
        """Create a user as an administrator does, who chooses the first password."""
        self.add(username, password, attributes).status = Status.NEW_PASSWORD_REQUIRED

    def require_reset(self, username: str) -> None:
        """Void a user's password as an administrator does, and send a code for a new one."""
        user = self.find_or_invent(username)
        user.status = Status.RESET_REQUIRED
        self.send(user, "reset", self.reset_address(user))

    def check_password(self, password: str) -> None:
        """Refuse a password that the pool does not take."""
        if len(password) < SHORTEST_PASSWORD:
            raise WeakPassword

    def check_free(self, user: MemoryUser, attribute: str, value: str) -> None:
        """Refuse an address with which somebody else signs in."""
        if attribute in (*self.rules.usernames, *self.rules.aliases):
            other = self.find(value)
            if other is not None and other is not user:
                raise AliasExists

    def prove(self, user: MemoryUser, attribute: str) -> None:
        """Mark an address as the user's own; raises AliasExists where somebody signs in with it."""
        self.check_free(user, attribute, user.attributes[attribute])
        user.attributes[f"{attribute}_verified"] = "true"

    def send(self, user: MemoryUser, purpose: str, attribute: str | None) -> Delivery | None:
        """
        Send a new code to an address of the user's; the one before is void.

        Without an address the code is drawn all the same, and an administrator tells it.
        """
        user.codes[purpose] = self.code_for(user)
        return None if attribute is None else self.delivery(user, attribute)

    def code_for(self, user: MemoryUser) -> str:
        """Draw a code and send it; a phantom never gets it."""
        code = f"{self.number():06}"
        if not user.phantom:
            for name in self._typed(user):
                self._sent[name.lower()] = code
        return code

    def delivery(self, user: MemoryUser, attribute: str) -> Delivery:
        """Describe where a code went; raises InvalidFields where the user has no such address."""
        value = user.attributes.get(attribute)
        if value is None or attribute not in MEDIA:
            raise InvalidFields.of("attribute", "No code can be sent to it.")
        masked = f"{value[:1]}***@{value.partition('@')[2][:1]}***"
        destination = masked if attribute == "email" else f"+*******{value[-4:]}"
        return Delivery(MEDIA[attribute], destination, attribute)

    def confirmation_address(self, user: MemoryUser) -> str | None:
        """Return the attribute to which codes go by themselves, or None."""
        return next((name for name in AUTO_VERIFIED if name in user.attributes), None)

    def reset_address(self, user: MemoryUser) -> str | None:
        """Return the attribute by which a password can be reset, or None."""
        return "email" if user.attributes.get("email_verified") == "true" else None

    def open_session(self, challenge: OpenChallenge) -> str:
        """Return the session in which a challenge can be answered."""
        session = f"session-of-a-sign-in-{self.number()}"
        self._open[session] = challenge
        return session

    def session(self, session: str, username: str, *steps: str) -> OpenChallenge:
        """Return what waits for an answer; raises ChallengeExpired unless it is one of *steps*."""
        waiting = self._open.get(session)
        if (
            waiting is None
            or waiting.step not in steps
            or self.find_or_invent(username) is not waiting.user
        ):
            raise ChallengeExpired
        return waiting

    def close_session(self, session: str) -> None:
        """Let a challenge be answered no more."""
        del self._open[session]

    def grant(self, user: MemoryUser) -> Tokens:
        """Give the tokens of a new sign-in."""
        refresh_token = f"refresh-{self.number()}"
        remembers = self.rules.remembers_devices != "never"
        device_key = f"us-east-1_{uuid.UUID(int=self.number())}" if remembers else None
        session_id, now = f"tkn{self.number():025}", self.clock()
        grant = self.grants[refresh_token] = Grant(user, session_id, now, now, device_key)
        return replace(self.tokens(grant, refresh_token), device_key=device_key)

    def tokens(self, grant: Grant, shown: str | None) -> Tokens:
        """Give tokens of a sign-in; *shown* is the refresh token among them."""
        access_token = self._token(grant.user, "access")
        grant.last_active_at = self.clock()
        grant.access_tokens.add(access_token)
        id_token = self._token(grant.user, "id")
        return Tokens(grant.user.user_id, id_token, access_token, shown, ACCESS_TOKEN_S)

    def bearer(self, access_token: str) -> MemoryUser:
        """Return the user of an access token; raises TokenInvalid."""
        return self.grant_of(access_token).user

    def grant_of(self, access_token: str) -> Grant:
        """Return the grant of an access token; raises TokenInvalid."""
        for grant in self.grants.values():
            if access_token in grant.access_tokens:
                return grant
        raise TokenInvalid

    def end_sessions(self, user: MemoryUser) -> None:
        """End every session of a user."""
        self.grants = {
            token: grant for token, grant in self.grants.items() if grant.user is not user
        }

    def _names(self, user: MemoryUser) -> Iterator[str]:
        """Yield the names by which a user signs in."""
        yield from self._typed(user)
        for name in self.rules.aliases:
            if user.attributes.get(f"{name}_verified") == "true":
                yield user.attributes[name]

    def _typed(self, user: MemoryUser) -> Iterator[str]:
        """Yield the name that a user typed at sign-up, and the one that the pool gave."""
        yield user.username
        for name in self.rules.usernames:
            yield user.attributes[name]

    def _token(self, user: MemoryUser, use: str) -> str:
        claims = {"sub": user.user_id, "token_use": use, "jti": str(self.number())}
        return jwt.encode(claims, SIGNING_KEY, algorithm="HS256")
