"""The fixtures of `tests.deployment_checks`."""

from tests.deployment_checks.conftest import (
    account,
    authority,
    client_id,
    doctor,
    guard,
    pool_id,
    right,
    sdk,
)

__all__ = ["account", "authority", "client_id", "doctor", "guard", "pool_id", "right", "sdk"]
