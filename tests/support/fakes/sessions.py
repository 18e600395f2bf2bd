"""The Sessions port in memory."""

from service.domain.client import UNKNOWN_CLIENT, Client
from service.domain.errors import (
    FeatureUnavailable,
    InvalidCredentials,
    PasswordResetRequired,
    RefreshTokenInvalid,
    RefreshTokenReused,
    UnsupportedTokenType,
)
from service.domain.sessions import CUSTOM, Challenge, ChallengeAnswer, Tokens
from tests.support.fakes import answers, challenges, first_factors
from tests.support.fakes.user import Status
from tests.support.fakes.user_pool import MemoryUserPool

CONFIRMED = ", confirmed"  # the session between confirmation and sign-in
DOTS_OF_A_JWT = 2  # which access and id tokens are, and refresh tokens are not


class MemorySessions:
    """The Sessions port on a pool in memory."""

    def __init__(self, pool: MemoryUserPool) -> None:
        self._pool = pool

    async def log_in(self, username: str, password: str, client: Client) -> Tokens | Challenge:
        """Sign in by password."""
        del client
        user = self._pool.find_or_invent(username)
        if user.status is Status.RESET_REQUIRED:
            raise PasswordResetRequired
        first_factors.check_password(user, password, self._pool.clock())
        first_factors.check_state(user)
        return challenges.let_in(self._pool, user)

    async def begin(
        self, username: str, preferred_challenge: str | None, client: Client
    ) -> Tokens | Challenge:
        """Begin a sign-in in which the user chooses how to prove who it is."""
        del client
        if preferred_challenge == CUSTOM:
            if not self._pool.rules.custom_challenge:
                raise FeatureUnavailable
            return challenges.ask_for_custom(self._pool, self._pool.find_or_invent(username))
        if not self._pool.rules.first_factors:
            raise FeatureUnavailable
        if preferred_challenge not in (None, *first_factors.CHALLENGES):
            raise InvalidCredentials
        user = self._pool.find_or_invent(username)
        if preferred_challenge in first_factors.available(self._pool, user):
            return challenges.ask_for(self._pool, user, preferred_challenge)
        return challenges.offer(self._pool, user)

    async def continue_sign_up(
        self, username: str, session: str, client: Client
    ) -> Tokens | Challenge:
        """Sign in with the session of a confirmation."""
        del client
        user = self._pool.session(session, username, CONFIRMED).user
        self._pool.close_session(session)
        return challenges.let_in(self._pool, user)

    async def answer(self, answer: ChallengeAnswer, client: Client) -> Tokens | Challenge:
        """Answer a challenge."""
        del client
        return answers.take(self._pool, answer)

    async def refresh(
        self, refresh_token: str, device_key: str | None = None, client: Client = UNKNOWN_CLIENT
    ) -> Tokens:
        """Give new tokens, with a new refresh token where the pool rotates them."""
        del client
        pool = self._pool
        if refresh_token in pool.exchanged:
            raise RefreshTokenReused
        grant = pool.grants.get(refresh_token)
        if grant is None or grant.device_key not in {None, device_key}:
            raise RefreshTokenInvalid
        if not pool.rules.rotates_refresh_tokens:
            return pool.tokens(grant, None)
        pool.exchanged.add(refresh_token)
        rotated = f"refresh-{pool.number()}"
        pool.grants[rotated] = pool.grants.pop(refresh_token)
        return pool.tokens(grant, rotated)

    async def revoke(self, refresh_token: str) -> None:
        """End the session of a refresh token."""
        if refresh_token.count(".") == DOTS_OF_A_JWT:
            raise UnsupportedTokenType
        self._pool.grants.pop(refresh_token, None)

    async def sign_out_everywhere(self, access_token: str) -> None:
        """End every session of the token's user."""
        self._pool.end_sessions(self._pool.bearer(access_token))
