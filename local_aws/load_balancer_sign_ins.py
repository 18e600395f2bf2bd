"""Sign-ins at the local load balancer, by user name and password."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

SIGNED_IN_FOR_S: Final = 180.0  # before Cognito checks user name and password again


class NotSignedIn(Exception):
    """The user name or the password is wrong."""


@dataclass(frozen=True, slots=True)
class UserPool:
    """The user pool and app client of the sign-ins."""

    endpoint_url: str
    region: str
    user_pool_id: str
    client_id: str

    @property
    def issuer(self) -> str:
        """The issuer in the load balancer's tokens."""
        suffix = "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"
        return f"https://cognito-idp.{self.region}.{suffix}/{self.user_pool_id}"


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in user."""

    sub: str
    username: str
    access_token: str = field(repr=False)


class SignIns:
    """Signs users in at the pool, and caches the result for SIGNED_IN_FOR_S."""

    def __init__(
        self, session: aiohttp.ClientSession, pool: UserPool, clock: Callable[[], float]
    ) -> None:
        self._session = session
        self._pool = pool
        self._clock = clock
        self._known: dict[bytes, tuple[float, Person]] = {}

    async def person(self, credentials: str) -> Person:
        """Return the user of HTTP Basic credentials; raises NotSignedIn."""
        now = self._clock()
        self._known = {digest: known for digest, known in self._known.items() if now < known[0]}
        digest = hashlib.sha256(credentials.encode("utf-8", "surrogateescape")).digest()
        if digest not in self._known:
            person = await self._sign_in(*_user_and_password(credentials))
            self._known[digest] = (now + SIGNED_IN_FOR_S, person)
        return self._known[digest][1]

    async def _sign_in(self, username: str, password: str) -> Person:
        call = {
            "ClientId": self._pool.client_id,
            "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": {"USERNAME": username, "PASSWORD": password},
        }
        scope = f"local/20260101/{self._pool.region}/cognito-idp/aws4_request"
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
            # Not verified; moto reads the region from it.
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        }
        async with self._session.post(
            self._pool.endpoint_url, data=json.dumps(call), headers=headers
        ) as answer:
            said: dict[str, Any] = json.loads(await answer.read())
        result = said.get("AuthenticationResult")
        if result is None:  # an error, or a challenge, which HTTP Basic cannot answer
            raise NotSignedIn
        claims = _claims(result["AccessToken"])
        return Person(claims["sub"], claims["username"], result["AccessToken"])


def _claims(token: str) -> dict[str, Any]:
    """Return the claims of a token that Cognito has just sent, without checking its signature."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(
        base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    )
    return claims


def _user_and_password(credentials: str) -> tuple[str, str]:
    """Return user name and password of HTTP Basic credentials (RFC 7617); raises NotSignedIn."""
    try:
        username, colon, password = base64.b64decode(credentials).decode().partition(":")
    except ValueError:  # not base64, or not UTF-8
        raise NotSignedIn from None
    if not (username and colon and password):
        raise NotSignedIn
    return username, password
