"""A stub of a region's server of load balancer keys, with one key."""

from pathlib import Path

from bench.stubs import http


def responding(kid: str, pem: bytes) -> http.Respond:
    """Return a handler that answers with *pem* if the path ends in *kid*."""
    key = http.answer(pem, "binary/octet-stream")

    def respond(head: bytes, _: bytes) -> bytes:
        return key if http.path(head) == f"/{kid}".encode() else http.NOT_FOUND

    return respond


def main() -> None:
    """Serve the key of a file."""
    parser = http.arguments("A stub of a region's key server.")
    parser.add_argument("--kid", required=True, help="the id of the key")
    parser.add_argument("--pem", type=Path, required=True, help="the public key")
    options = parser.parse_args()
    http.run(responding(options.kid, options.pem.read_bytes()), options)


if __name__ == "__main__":
    main()
