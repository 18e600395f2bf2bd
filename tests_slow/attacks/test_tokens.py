"""Access tokens of other app clients and other pools, against a `serve` process."""

import time
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import pytest

from service.api.routes import SIGNED_IN
from service.aws.clients import Clients, open_clients
from tests.end_to_end.calls import Answer, call
from tests.support.access_token_signer import AccessTokenSigner
from tests.support.accounts import PASSWORD, Mailbox, new_user
from tests.support.configs import CREDENTIALS, configured
from tests_slow.attacks.target import AWS_READ_TIMEOUT_S, Place, Target

PROFILE: Final = "/v1/user/profile"
BODIES: Final[dict[tuple[str, str], dict[str, object]]] = {
    ("POST", "/api/auth/password/change"): {"currentPassword": PASSWORD, "newPassword": "Taken1!a"},
    ("PATCH", "/api/auth/me"): {"attributes": {"name": "Mallory"}},
    ("POST", "/api/auth/me/verification"): {"attribute": "email"},
    ("POST", "/api/auth/me/verification/confirm"): {"attribute": "email", "code": "123456"},
    ("PUT", "/api/auth/mfa"): {"enabled": []},
    ("POST", "/api/auth/mfa/totp/verify"): {"code": "123456"},
    ("POST", "/api/auth/passkeys"): {"credential": {"id": "x"}},
    ("POST", "/api/auth/logout"): {"everywhere": True},
}
CALLS: Final = [
    *((route.method, route.path.replace("{id}", "a")) for route in SIGNED_IN),
    ("POST", "/api/auth/logout"),
]


@dataclass(frozen=True, slots=True)
class Victim:
    """A user with a profile, and an operator's clients of the local AWS."""

    username: str
    sub: str
    tokens: dict[str, Any]
    clients: Clients

    async def items(self, place: Place) -> list[dict[str, Any]]:
        """Return every item of the table."""
        found = await self.clients.dynamodb.aioboto3.scan(
            TableName=place.table, ConsistentRead=True
        )
        return [dict(item) for item in found["Items"]]

    async def token_of(self, pool_id: str, username: str) -> str:
        """Return the access token of a user for a new client of a pool."""
        created = await self.clients.cognito.create_user_pool_client(
            UserPoolId=pool_id,
            ClientName="attackers",
            ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        )
        signed_in = await self.clients.cognito.initiate_auth(
            ClientId=created["UserPoolClient"]["ClientId"],
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": username, "PASSWORD": PASSWORD},
        )
        return signed_in["AuthenticationResult"]["AccessToken"]


async def _signed_in(service: aiohttp.ClientSession, place: Place) -> tuple[str, Answer]:
    username = new_user()
    account = {"username": username, "password": PASSWORD, "attributes": {"email": username}}
    await call(service, "POST", "/api/auth/signup", account)
    async with aiohttp.ClientSession() as session:
        code = await Mailbox(session, place.aws_url).code(username)
    await call(service, "POST", "/api/auth/confirm", {"username": username, "code": code})
    login = {"username": username, "password": PASSWORD}
    return username, await call(service, "POST", "/api/auth/login", login)


async def _attackers_pool(clients: Clients) -> tuple[str, str, str]:
    """Create another pool with a user of its own; return the pool, the user's name and the sub."""
    pool = (await clients.cognito.create_user_pool(PoolName="attackers"))["UserPool"]["Id"]
    username = "mallory"
    user = await clients.cognito.admin_create_user(
        UserPoolId=pool, Username=username, MessageAction="SUPPRESS"
    )
    await clients.cognito.admin_set_user_password(
        UserPoolId=pool, Username=username, Password=PASSWORD, Permanent=True
    )
    attributes = {each["Name"]: each["Value"] for each in user["User"]["Attributes"]}
    return pool, username, attributes["sub"]


async def _refused(service: aiohttp.ClientSession, token: str) -> None:
    """Assert that every route is 401 for a token, in either header."""
    for headers in ({"Authorization": f"Bearer {token}"}, {"x-amzn-oidc-accesstoken": token}):
        for method, path in CALLS:
            answer = await call(service, method, path, BODIES.get((method, path)), headers)
            assert (answer.status, answer.code) == (401, "token_invalid"), (method, path)
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            body = {"city": "Nowhere"} if method in {"POST", "PUT", "PATCH"} else None
            answer = await call(service, method, PROFILE, body, headers)
            assert answer.status == 401, (method, answer)


@pytest.mark.parametrize("whose", ["another client", "another pool", "a forged key"])
async def test_foreign_token_changes_nothing(target: Target, whose: str) -> None:
    """A token of another client or pool is 401 everywhere, without a write or an audit event."""
    place = target.place
    at = {"endpoint-url": place.aws_url, "read-timeout-s": AWS_READ_TIMEOUT_S}
    operators = configured({"aws.cognito": at, "aws.dynamodb": at})
    async with (
        open_clients(operators, CREDENTIALS) as clients,
        aiohttp.ClientSession(target.url) as service,
    ):
        username, tokens = await _signed_in(service, place)
        victim = Victim(username, tokens.body["userId"], tokens.body, clients)
        own = {"Authorization": f"Bearer {victim.tokens['accessToken']}"}
        await call(service, "POST", PROFILE, {"city": "Mumbai"}, own)
        before, events = await victim.items(place), len(target.events())

        foreign_sub = victim.sub
        if whose == "another client":
            token = await victim.token_of(place.user_pool_id, username)
        elif whose == "another pool":
            pool, name, foreign_sub = await _attackers_pool(clients)
            token = await victim.token_of(pool, name)
        else:
            token = _forged(place, victim.sub)
        await _refused(service, token)

        lines = target.events()[events:]
        assert {line["event"] for line in lines} == {"request_finished"}
        assert not [line for line in lines if foreign_sub in line.values()]
        assert await victim.items(place) == before
        account = await call(service, "GET", "/api/auth/me", headers=own)
        profile = await call(service, "GET", PROFILE, headers=own)

    assert (account.status, account.body["userId"]) == (200, victim.sub)
    assert (profile.status, profile.body["city"]) == (200, "Mumbai")


def _forged(place: Place, sub: str) -> str:
    """Return a token with valid claims, signed with an attacker's key."""
    now = int(time.time())  # noqa: TID251 -- the service reads the machine's clock
    return AccessTokenSigner().mint(
        {
            "sub": sub,
            "iss": f"https://cognito-idp.us-east-1.amazonaws.com/{place.user_pool_id}",
            "client_id": place.client_id,
            "iat": now,
            "exp": now + 600,
        }
    )


async def test_revoked_token_is_refused(target: Target) -> None:
    """A verified token is 401 after its user signed out everywhere."""
    async with aiohttp.ClientSession(target.url) as service:
        _, tokens = await _signed_in(service, target.place)
        own = {"Authorization": f"Bearer {tokens.body['accessToken']}"}
        out = await call(service, "POST", "/api/auth/logout", {"everywhere": True}, own)
        after = await call(service, "GET", "/api/auth/me", headers=own)

    assert out.status == 204
    assert (after.status, after.code) == (401, "token_invalid")
