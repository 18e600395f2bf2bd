"""Time-based one-time passwords (RFC 6238: SHA-1, 6 digits, steps of 30 s)."""

import base64
import hashlib
import hmac
import secrets

from local_aws.cognito.records import Account

STEP_S = 30
WINDOW = (0, -1, 1)  # accepted steps relative to the current one, because clocks differ
SECRET_BYTES = 32  # as Cognito's: 52 characters in base 32


def new_secret() -> str:
    """Return a random secret, in base32 without padding."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode().rstrip("=")


def code_at(secret: str, step: int) -> str:
    """Return the code of a step."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, step.to_bytes(8, "big"), hashlib.sha1)
    start = digest[-1] & 0x0F
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def matching_step(secret: str, code: str, now: float) -> int | None:
    """Return the step around *now* that has this code, or None."""
    for offset in WINDOW:
        step = int(now // STEP_S) + offset
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            return step
    return None


def mark_used(account: Account, step: int) -> bool:
    """Mark the code of a step as used; return whether it was unused."""
    fresh = step not in account.used_totp_steps
    account.used_totp_steps = {used for used in account.used_totp_steps if used >= step - 2}
    account.used_totp_steps.add(step)
    return fresh
