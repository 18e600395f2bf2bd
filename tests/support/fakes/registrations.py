"""The Registrations port in memory."""

import re

from service.domain.accounts import NewAccount, SignedUp
from service.domain.client import Client
from service.domain.errors import (
    AccountExists,
    ChallengeExpired,
    CodeMismatch,
    InvalidFields,
    SignUpDisabled,
)
from tests.support.fakes import attributes
from tests.support.fakes.first_factors import OTPS
from tests.support.fakes.sessions import CONFIRMED
from tests.support.fakes.user import Status
from tests.support.fakes.user_pool import AUTO_VERIFIED, MemoryUserPool, OpenChallenge

CONFIRM = "confirm"
SIGNED_UP = ", signed up"  # the session between sign-up and confirmation


class MemoryRegistrations:
    """The Registrations port on a pool in memory."""

    def __init__(self, pool: MemoryUserPool) -> None:
        self._pool = pool

    async def sign_up(self, account: NewAccount, client: Client) -> SignedUp:
        """Create an account."""
        del client
        pool = self._pool
        if not pool.rules.takes_sign_ups:
            raise SignUpDisabled
        self._check_name(account.username)
        attributes.check(account.attributes)
        if account.password is not None:
            pool.check_password(account.password)
        elif not self._signs_in_by_code(account):
            raise InvalidFields.of("password", "Is required.")
        if pool.find(account.username) is not None:
            raise AccountExists
        user = pool.add(account.username, account.password, dict(account.attributes))
        delivery = pool.send(user, CONFIRM, pool.confirmation_address(user))
        session = None
        if pool.rules.first_factors:
            session = pool.open_session(OpenChallenge(user, SIGNED_UP))
        return SignedUp(user.user_id, confirmed=False, delivery=delivery, session=session)

    async def confirm(
        self, username: str, code: str, client: Client, session: str | None = None
    ) -> str | None:
        """Confirm an account with its code."""
        del client
        pool, user = self._pool, self._pool.find(username)
        if user is None or user.status is not Status.UNCONFIRMED or user.codes[CONFIRM] != code:
            raise CodeMismatch
        address = pool.confirmation_address(user)
        if address is not None:
            pool.prove(user, address)
        del user.codes[CONFIRM]
        user.status = Status.CONFIRMED
        if session is None:
            return None
        try:
            waiting = pool.session(session, username, SIGNED_UP)
        except ChallengeExpired:
            return None
        pool.close_session(session)
        return pool.open_session(OpenChallenge(waiting.user, CONFIRMED))

    async def resend_code(self, username: str, client: Client) -> None:
        """Send a new confirmation code, if there is an account that waits for one."""
        del client
        user = self._pool.find(username)
        if user is not None and user.status is Status.UNCONFIRMED:
            self._pool.send(user, CONFIRM, self._pool.confirmation_address(user))

    def _signs_in_by_code(self, account: NewAccount) -> bool:
        """Return whether the user can sign in by a code to an address that is verified by itself."""
        named = {**account.attributes, **dict.fromkeys(self._pool.rules.usernames, "")}
        return any(
            OTPS[factor] in named and OTPS[factor] in AUTO_VERIFIED
            for factor in self._pool.rules.first_factors
            if factor in OTPS
        )

    def _check_name(self, username: str) -> None:
        """Refuse a name that must be an address and is none, or is one and must not be."""
        rules = self._pool.rules
        is_address = re.fullmatch(attributes.FORMS["email"], username) is not None
        if is_address != bool(rules.usernames) and (rules.usernames or rules.aliases):
            raise InvalidFields.of("username", "Is not valid.")
