"""The Passwords port in memory."""

from service.domain.client import Client
from service.domain.errors import CodeMismatch
from tests.support.fakes.first_factors import check_password
from tests.support.fakes.user import Status
from tests.support.fakes.user_pool import MemoryUserPool

RESET = "reset"


class MemoryPasswords:
    """The Passwords port on a pool in memory."""

    def __init__(self, pool: MemoryUserPool) -> None:
        self._pool = pool

    async def forgot(self, username: str, client: Client) -> None:
        """Send a code to set a new password, if there is an account that can be sent one."""
        del client
        user = self._pool.find(username)
        if user is not None and self._pool.reset_address(user) is not None:
            self._pool.send(user, RESET, self._pool.reset_address(user))

    async def reset(self, username: str, code: str, password: str, client: Client) -> None:
        """Set a new password with a code."""
        del client
        user = self._pool.find(username)
        if user is None or user.codes.get(RESET) != code:
            raise CodeMismatch
        self._pool.check_password(password)
        del user.codes[RESET]
        user.password = password
        user.status = Status.CONFIRMED
        user.failures, user.locked_until = 0, 0.0
        self._pool.end_sessions(user)

    async def change(self, access_token: str, current: str, new: str) -> None:
        """Set a new password in place of the current one."""
        user = self._pool.bearer(access_token)
        check_password(user, current, self._pool.clock())
        self._pool.check_password(new)
        user.password = new
