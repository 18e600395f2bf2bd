"""A Cognito stub that signs in every user and publishes the pool's keys."""

from pathlib import Path
from typing import Final

from bench.stubs import http

JSON: Final = "application/x-amz-json-1.1"


def responding(sign_in: bytes, jwks: bytes) -> http.Respond:
    """Return a handler that answers InitiateAuth with *sign_in*, and any GET with *jwks*."""
    signed_in = http.answer(sign_in, JSON, "x-amzn-RequestId: STUB")
    keys = http.answer(jwks, "application/json")

    def respond(head: bytes, _: bytes) -> bytes:
        if http.target(head) == b"InitiateAuth":
            return signed_in
        return keys if head.startswith(b"GET ") else http.NOT_FOUND

    return respond


def main() -> None:
    """Serve the contents of two files."""
    parser = http.arguments("A stub Cognito.")
    parser.add_argument("--sign-in", type=Path, required=True, help="the answer to InitiateAuth")
    parser.add_argument("--jwks", type=Path, required=True, help="the pool's public keys")
    options = parser.parse_args()
    http.run(responding(options.sign_in.read_bytes(), options.jwks.read_bytes()), options)


if __name__ == "__main__":
    main()
