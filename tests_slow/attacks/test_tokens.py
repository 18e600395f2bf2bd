"""Access tokens of other app clients and other pools, against a `serve` process."""

import time
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import pytest

from service.api.routes import SIGNED_IN
from service.aws.clients import Clients, open_clients
from tests.end_to_end.calls import call
from tests.support.access_token_signer import AccessTokenSigner
from tests.support.accounts import PASSWORD
from tests.support.configs import CREDENTIALS
from tests_slow.attacks.accounts import signed_in
from tests_slow.attacks.target import Resources, Target

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
    """A user of the service with a profile, and an operator's clients of the local AWS."""

    sub: str
    clients: Clients

    async def items(self, resources: Resources) -> list[dict[str, Any]]:
        """Return every item of the table."""
        found = await self.clients.dynamodb.aioboto3.scan(
            TableName=resources.table, ConsistentRead=True
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
    """A token of another client or pool is 401 everywhere; nothing is written, no event has its sub."""
    resources = target.resources
    async with (
        open_clients(resources.config(), CREDENTIALS) as clients,
        aiohttp.ClientSession(target.url) as service,
    ):
        user = await signed_in(service, resources.aws_url)
        own = user.headers
        victim = Victim(user.tokens["userId"], clients)
        await call(service, "POST", PROFILE, {"city": "Mumbai"}, own)
        before, events = await victim.items(target.resources), len(target.events())

        foreign_sub = victim.sub
        if whose == "another client":
            token = await victim.token_of(resources.user_pool_id, user.username)
        elif whose == "another pool":
            pool, name, foreign_sub = await _attackers_pool(clients)
            token = await victim.token_of(pool, name)
        else:
            token = _forged(resources, victim.sub)
        await _refused(service, token)

        lines = target.events()[events:]
        assert {line["event"] for line in lines} == {"request_finished"}
        assert not [line for line in lines if foreign_sub in line.values()]
        assert await victim.items(target.resources) == before
        account = await call(service, "GET", "/api/auth/me", headers=own)
        profile = await call(service, "GET", PROFILE, headers=own)

    assert (account.status, account.body["userId"]) == (200, victim.sub)
    assert (profile.status, profile.body["city"]) == (200, "Mumbai")


def _forged(resources: Resources, sub: str) -> str:
    """Return a token whose claims are right, signed with an attacker's key."""
    now = int(time.time())  # noqa: TID251 -- the service reads the machine's clock
    return AccessTokenSigner().mint(
        {
            "sub": sub,
            "iss": f"https://cognito-idp.us-east-1.amazonaws.com/{resources.user_pool_id}",
            "client_id": resources.client_id,
            "iat": now,
            "exp": now + 600,
        }
    )


async def test_revoked_token_is_refused(target: Target) -> None:
    """A token whose user has signed out everywhere is 401, although its signature is valid."""
    async with aiohttp.ClientSession(target.url) as service:
        user = await signed_in(service, target.resources.aws_url)
        own = user.headers
        out = await call(service, "POST", "/api/auth/logout", {"everywhere": True}, own)
        after = await call(service, "GET", "/api/auth/me", headers=own)

    assert out.status == 204
    assert (after.status, after.code) == (401, "token_invalid")
