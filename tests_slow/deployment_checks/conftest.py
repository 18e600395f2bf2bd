"""The fixtures of `tests.deployment_checks`."""

from tests.deployment_checks.conftest import (
    account,
    client_id,
    doctor,
    guard,
    pool_id,
    right,
    sdk,
)

__all__ = ["account", "client_id", "doctor", "guard", "pool_id", "right", "sdk"]
