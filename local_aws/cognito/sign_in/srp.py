"""
The arithmetic of SRP as Cognito uses it.

The protocol is SRP-6a (RFC 5054) in the 3072-bit group of RFC 3526 with SHA-256. Numbers are hashed as
big-endian two's complement of the least length. The session key is derived by HKDF (RFC 5869), as in
amazon-cognito-identity-js.
"""

import hashlib
import hmac
import secrets

N = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7"
    "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C"
    "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    16,
)
G = 2
INFO = b"Caldera Derived Key"
KEY_BYTES = 16
SECRET_BITS = 1_024


def encoded(number: int) -> bytes:
    """Return a number that is not negative as two's complement."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _hashed(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha256(b"".join(parts)).digest(), "big")


K = _hashed(encoded(N), encoded(G))


def password_hash(pool_name: str, username: str, password: str, salt: int) -> int:
    """Return x; *pool_name* is the id of the pool without its region."""
    identity = hashlib.sha256(f"{pool_name}{username}:{password}".encode()).digest()
    return _hashed(encoded(salt), identity)


def new_secret() -> int:
    """Return a random private value."""
    return secrets.randbits(SECRET_BITS)


def password_verifier(x: int) -> int:
    """Return v, which a server may keep in place of the password hash."""
    return pow(G, x, N)


def server_public(verifier: int, b: int) -> int:
    """Return B, from the password verifier and the server's private value."""
    return (K * verifier + pow(G, b, N)) % N


def server_key(verifier: int, b: int, client_public: int) -> bytes:
    """Return the session key that a client with the password has, too."""
    u = _hashed(encoded(client_public), encoded(server_public(verifier, b)))
    return derived(pow(client_public * pow(verifier, u, N), b, N), u)


def derived(shared: int, u: int) -> bytes:
    """Return the session key from the shared secret S."""
    extracted = hmac.digest(encoded(u), encoded(shared), hashlib.sha256)
    return hmac.digest(extracted, INFO + b"\x01", hashlib.sha256)[:KEY_BYTES]


def signature(key: bytes, identity: str, secret_block: bytes, timestamp: str) -> bytes:
    """Return the proof of the session key; *identity* is the pool's name and that of the user."""
    message = identity.encode() + secret_block + timestamp.encode()
    return hmac.digest(key, message, hashlib.sha256)
