"""The Devices port in memory."""

from datetime import UTC, datetime

from service.domain.devices import Device
from tests.support.fakes.user_pool import MemoryUserPool


class MemoryDevices:
    """The Devices port on a pool in memory; each sign-in is from a device of its own."""

    def __init__(self, pool: MemoryUserPool) -> None:
        self._pool = pool

    async def remembered(self, access_token: str) -> tuple[Device, ...]:
        """Return all devices."""
        user = self._pool.bearer(access_token)
        return tuple(
            Device(
                grant.device_key,
                datetime.fromtimestamp(grant.created_at, UTC),
                datetime.fromtimestamp(grant.last_active_at, UTC),
                attributes={"device_status": "valid"},
            )
            for grant in self._pool.grants.values()
            if grant.user is user and grant.device_key is not None
        )
