"""Time-based one-time passwords of a user in memory (RFC 6238)."""

import base64
import hashlib

import pyotp

from service.domain.errors import CodeExpired, CodeMismatch
from tests.support.fakes.user import MemoryUser

STEP_S = 30
STEPS = (-1, 0, 1)  # around the present one: clocks differ


def new_secret(number: int) -> str:
    """Return the secret of that number, in Base32."""
    return base64.b32encode(hashlib.sha256(str(number).encode()).digest()).decode().rstrip("=")


def spend(user: MemoryUser, secret: str, code: str, now: float) -> None:
    """Take a code of an app that has the secret; raises CodeMismatch, CodeExpired the second time."""
    step = next((at for at in _steps(now) if pyotp.TOTP(secret).at(at * STEP_S) == code), None)
    if step is None:
        raise CodeMismatch
    if step in user.used_totp_steps:
        raise CodeExpired
    user.used_totp_steps.add(step)


def _steps(now: float) -> list[int]:
    return [int(now // STEP_S) + offset for offset in STEPS]
