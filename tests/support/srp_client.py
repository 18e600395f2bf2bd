"""The client's side of Cognito's SRP, by the standard library."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from local_aws.cognito.sign_in.srp import G, N

WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
YEAR = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def padded(number: int) -> bytes:
    """Return a number as whole bytes, with a zero before a first byte of more than 7 bits."""
    text = f"{number:x}"
    text = f"0{text}" if len(text) % 2 else text
    return bytes.fromhex(f"00{text}" if text[0] in "89abcdef" else text)


def _number(data: bytes) -> int:
    return int(hashlib.sha256(data).hexdigest(), 16)


def timestamp(at: datetime) -> str:
    """Return a time as clients write it."""
    clock = f"{at:%H:%M:%S}"
    return f"{WEEK[at.weekday()]} {YEAR[at.month - 1]} {at.day} {clock} UTC {at.year}"


@dataclass(frozen=True, slots=True)
class SrpClient:
    """One sign-in of a user of the pool."""

    pool_id: str
    password: str
    private: int = field(default_factory=lambda: secrets.randbits(1_024))

    @property
    def public(self) -> str:
        """The parameter SRP_A."""
        return f"{pow(G, self.private, N):x}"

    def answer(
        self, challenge: Mapping[str, str], at: datetime | None = None, text: str | None = None
    ) -> dict[str, str]:
        """Return the responses to PASSWORD_VERIFIER; *text* replaces the time *at*, by default now."""
        shown = text or timestamp(at or datetime(2026, 3, 1, 9, 5, 7, tzinfo=UTC))
        pool, user = self.pool_id.split("_")[1], challenge["USER_ID_FOR_SRP"]
        b, a = int(challenge["SRP_B"], 16), int(self.public, 16)
        u = _number(padded(a) + padded(b))
        identity = hashlib.sha256(f"{pool}{user}:{self.password}".encode()).digest()
        x = _number(padded(int(challenge["SALT"], 16)) + identity)
        k = _number(padded(N) + padded(G))
        shared = pow((b - k * pow(G, x, N)) % N, self.private + u * x, N)
        extracted = hmac.digest(padded(u), padded(shared), "sha256")
        key = hmac.digest(extracted, b"Caldera Derived Key\x01", "sha256")[:16]
        block = base64.b64decode(challenge["SECRET_BLOCK"])
        proof = hmac.digest(key, f"{pool}{user}".encode() + block + shown.encode(), "sha256")
        return {
            "USERNAME": user,
            "PASSWORD_CLAIM_SECRET_BLOCK": challenge["SECRET_BLOCK"],
            "PASSWORD_CLAIM_SIGNATURE": base64.b64encode(proof).decode(),
            "TIMESTAMP": shown,
        }
