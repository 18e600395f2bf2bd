"""The OwnAccount port in memory."""

from collections.abc import Mapping

from service.domain.accounts import Account, Delivery
from service.domain.client import UNKNOWN_CLIENT, Client
from service.domain.errors import CodeExpired, CodeMismatch, InvalidFields
from tests.support.fakes import attributes
from tests.support.fakes.user_pool import AUTO_VERIFIED, MEDIA, MemoryUserPool


class MemoryOwnAccount:
    """The OwnAccount port on a pool in memory."""

    def __init__(self, pool: MemoryUserPool) -> None:
        self._pool = pool

    async def describe(self, access_token: str) -> Account:
        """Return the account of the token's user."""
        user = self._pool.bearer(access_token)
        return Account(user.user_id, user.username, dict(user.attributes))

    async def change_attributes(
        self,
        access_token: str,
        changes: Mapping[str, str | None],
        client: Client = UNKNOWN_CLIENT,
    ) -> tuple[Delivery, ...]:
        """Set attributes, and remove those that are None; return where codes were sent."""
        del client
        pool, user = self._pool, self._pool.bearer(access_token)
        attributes.check(changes)
        given = {name: value for name, value in changes.items() if value is not None}
        removed = [name for name, value in changes.items() if value is None]
        for name in set(removed) & set(pool.rules.usernames):
            raise InvalidFields.of(f"attributes.{name}", "Cannot be removed.")
        for name in set(given) & set(pool.rules.usernames):
            pool.check_free(user, name, given[name])
        moved = [
            name
            for name in MEDIA
            if given.get(name, user.attributes.get(name)) != user.attributes.get(name)
        ]
        user.attributes.update(given)
        for name in (*removed, *moved):
            user.attributes.pop(f"{name}_verified", None)
            user.codes.pop(name, None)
        for name in removed:
            user.attributes.pop(name, None)
        sent = (pool.send(user, name, name) for name in moved if name in AUTO_VERIFIED)
        return tuple(delivery for delivery in sent if delivery is not None)

    async def send_verification(
        self, access_token: str, attribute: str, client: Client = UNKNOWN_CLIENT
    ) -> Delivery:
        """Send a code that proves the user's e-mail address or telephone number."""
        del client
        user = self._pool.bearer(access_token)
        delivery = self._pool.delivery(user, attribute)
        self._pool.send(user, attribute, attribute)
        return delivery

    async def verify(self, access_token: str, attribute: str, code: str) -> None:
        """Prove an attribute with its code."""
        user = self._pool.bearer(access_token)
        if attribute not in user.codes:
            raise CodeExpired
        if user.codes[attribute] != code:
            raise CodeMismatch
        self._pool.prove(user, attribute)
        del user.codes[attribute]

    async def delete(self, access_token: str) -> None:
        """Delete the account."""
        self._pool.remove(self._pool.bearer(access_token))
