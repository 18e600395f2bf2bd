"""The server's side of an exchange by SRP, which proves the password of a user or of a device."""

import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime

from local_aws.cognito.errors import InvalidParameterException
from local_aws.cognito.records import SrpExchange
from local_aws.cognito.shapes import required
from local_aws.cognito.sign_in import srp

BLOCK_BYTES = 800  # about the length of Cognito's
HEXADECIMAL = re.compile(r"[0-9A-Fa-f]+")
TIMESTAMP = "%a %b %d %H:%M:%S UTC %Y"


def client_public(parameters: Mapping[str, str]) -> int:
    """Return SRP_A; raises InvalidParameterException."""
    text = required(parameters, "SRP_A")
    number = int(text, 16) if HEXADECIMAL.fullmatch(text) else 0
    if number % srp.N == 0:  # the session key would not depend on the password
        raise InvalidParameterException("SRP_A is not a number of the group in hexadecimal")
    return number


def begin(verifier: int, public: int) -> tuple[SrpExchange, dict[str, str]]:
    """Return an exchange with a client whose SRP_A is *public*, and what the client is shown of it."""
    block = base64.b64encode(secrets.token_bytes(BLOCK_BYTES)).decode()
    exchange = SrpExchange(srp.new_secret(), public, block)
    shown = srp.server_public(verifier, exchange.private)
    return exchange, {"SECRET_BLOCK": block, "SRP_B": f"{shown:x}"}


def is_proved(
    exchange: SrpExchange, verifier: int, identity: str, responses: Mapping[str, str]
) -> bool:
    """Return whether the responses prove the password; raises InvalidParameterException."""
    given_block = required(responses, "PASSWORD_CLAIM_SECRET_BLOCK")
    proof = _decoded(required(responses, "PASSWORD_CLAIM_SIGNATURE"))
    timestamp = _canonical(required(responses, "TIMESTAMP"))
    key = srp.server_key(verifier, exchange.private, exchange.client_public)
    block = base64.b64decode(exchange.secret_block)
    expected = srp.signature(key, identity, block, timestamp)
    return hmac.compare_digest(expected, proof) and given_block == exchange.secret_block


def _decoded(proof: str) -> bytes:
    try:
        return base64.b64decode(proof, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidParameterException("PASSWORD_CLAIM_SIGNATURE is not in Base64") from None


def _canonical(text: str) -> str:
    """
    Return a timestamp as Cognito writes it, which is what it signs.

    Another day of the week, or a day of the month with a zero, is read, but then has another signature:
    https://github.com/ministackorg/ministack/pull/1758
    """
    try:
        parsed = datetime.strptime(text, TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        raise InvalidParameterException(
            "TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english."
        ) from None
    return parsed.strftime(f"%a %b {parsed.day} %H:%M:%S UTC %Y")
