"""Resource servers, and tokens of app clients themselves, by the rules of Amazon Cognito."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import jwt
import pytest

from service.aws.clients import Clients
from tests.local_aws.support import refusal
from tests.support.token_endpoint import post_token

SCOPES: Final = ("profiles/profiles.read", "profiles/profiles.write")
MACHINE: Final[dict[str, Any]] = {
    "GenerateSecret": True,
    "AllowedOAuthFlowsUserPoolClient": True,
    "AllowedOAuthFlows": ["client_credentials"],
    "AllowedOAuthScopes": [*SCOPES],
}
OPENID: Final = {"AllowedOAuthScopes": [*SCOPES, "openid"]}


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool with a domain, a resource server and a machine client."""

    url: str
    pool_id: str
    client_id: str
    secret: str
    cognito: Any

    async def token(
        self, basic: tuple[str, str] | None = None, **form: str
    ) -> tuple[int, dict[str, Any]]:
        """Call the token endpoint for client credentials, unless the form says otherwise."""
        return await post_token(self.url, {"grant_type": "client_credentials", **form}, basic)

    async def client(self, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 -- of many types
        """Create a machine client with changes."""
        created = await self.cognito.create_user_pool_client(
            **{"UserPoolId": self.pool_id, "ClientName": "machine", **MACHINE, **changes}
        )
        made: dict[str, Any] = created["UserPoolClient"]
        return made


@pytest.fixture
async def pool(clients: Clients, cognito_url: str) -> AsyncIterator[Pool]:
    """Create the pool."""
    cognito: Any = clients.cognito
    made = await cognito.create_user_pool(PoolName="machines")
    pool_id = made["UserPool"]["Id"]
    domain = f"d-{uuid.uuid4().hex}"
    await cognito.create_user_pool_domain(Domain=domain, UserPoolId=pool_id)
    await _create_server(cognito, pool_id)
    machine = await Pool(cognito_url, pool_id, "", "", cognito).client()
    yield Pool(cognito_url, pool_id, machine["ClientId"], machine["ClientSecret"], cognito)
    await cognito.delete_user_pool_domain(Domain=domain, UserPoolId=pool_id)
    await cognito.delete_user_pool(UserPoolId=pool_id)


async def _create_server(cognito: Any, pool_id: str) -> None:  # noqa: ANN401 -- aiobotocore's client
    await cognito.create_resource_server(
        UserPoolId=pool_id,
        Identifier="profiles",
        Name="profiles",
        Scopes=[
            {"ScopeName": scope.partition("/")[2], "ScopeDescription": scope} for scope in SCOPES
        ],
    )


async def test_client_gets_an_access_token_of_its_own(pool: Pool) -> None:
    """The token names the client as `sub` and no user; without a scope it has all of the client's."""
    status, whole = await pool.token((pool.client_id, pool.secret))
    _, narrow = await pool.token(
        client_id=pool.client_id, client_secret=pool.secret, scope=SCOPES[1]
    )

    assert (status, set(whole)) == (200, {"access_token", "expires_in", "token_type"})
    assert (whole["expires_in"], whole["token_type"]) == (3_600, "Bearer")
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{pool.url}/{pool.pool_id}/.well-known/jwks.json") as answer,
    ):
        keys = jwt.PyJWKSet.from_dict(await answer.json())
    key = keys[jwt.get_unverified_header(whole["access_token"])["kid"]]
    claims = jwt.decode(
        whole["access_token"], key, algorithms=["RS256"], options={"verify_aud": False}
    )
    assert claims.keys() == {
        *("sub", "token_use", "scope", "auth_time", "iss", "exp", "iat", "version", "jti"),
        "client_id",
    }
    assert claims["sub"] == claims["client_id"] == pool.client_id
    assert (claims["token_use"], claims["scope"].split()) == ("access", [*SCOPES])
    assert claims["iss"].endswith(f"/{pool.pool_id}")
    own = jwt.decode(narrow["access_token"], options={"verify_signature": False})
    assert own["scope"] == SCOPES[1]
    kind, _ = await refusal(pool.cognito.get_user(AccessToken=whole["access_token"]))
    assert kind == "NotAuthorizedException"


async def test_wrong_requests_are_refused(pool: Pool) -> None:
    """Wrong credentials, scopes and flows have the errors of RFC 6749, section 5.2."""
    own = (pool.client_id, pool.secret)
    users = await pool.client(
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid"],
        CallbackURLs=["https://a.example/"],
    )
    off = await pool.client(AllowedOAuthFlowsUserPoolClient=False)
    form = {"client_id": pool.client_id, "client_secret": pool.secret}
    found = [
        await pool.token((pool.client_id, "wrong")),
        await pool.token(("nobody", pool.secret)),
        await pool.token(client_id=pool.client_id),
        await pool.token(),
        await pool.token(own, scope="profiles/profiles.erase"),
        await pool.token(own, scope=f"{SCOPES[0]} openid"),
        await pool.token(own, scope="profiles.read"),
        await pool.token((users["ClientId"], users["ClientSecret"])),
        await pool.token((off["ClientId"], off["ClientSecret"])),
        await pool.token(own, grant_type="refresh_token", refresh_token="x"),  # noqa: S106 -- no token
        await pool.token(None, **form, grant_type="authorization_code", code="x", redirect_uri="x"),
    ]

    assert [(status, content["error"]) for status, content in found] == [
        *[(400, "invalid_client")] * 4,
        *[(400, "invalid_scope")] * 3,
        *[(400, "unauthorized_client")] * 4,
    ]


async def test_scopes_end_with_their_resource_server(pool: Pool) -> None:
    """A scope that was removed is not granted any more; a server is deleted as a whole."""
    own = (pool.client_id, pool.secret)
    named = {"UserPoolId": pool.pool_id, "Identifier": "profiles"}
    kept = {"ScopeName": "profiles.read", "ScopeDescription": "x"}
    await pool.cognito.update_resource_server(**named, Name="new", Scopes=[kept])
    described = await pool.cognito.describe_resource_server(**named)

    assert described["ResourceServer"] == {**named, "Name": "new", "Scopes": [kept]}
    _, content = await pool.token(own)
    claims = jwt.decode(content["access_token"], options={"verify_signature": False})
    assert claims["scope"] == SCOPES[0]
    assert (await pool.token(own, scope=SCOPES[1]))[1] == {"error": "invalid_scope"}
    await pool.cognito.delete_resource_server(**named)
    assert (await pool.token(own))[1] == {"error": "invalid_scope"}
    kind, _ = await refusal(pool.cognito.delete_resource_server(**named))
    assert kind == "ResourceNotFoundException"


async def test_resource_servers_are_checked(pool: Pool) -> None:
    """An identifier is unique in a pool; the pool must exist."""
    missing = {"UserPoolId": "eu-central-1_none"}
    server = {"Identifier": "x", "Name": "x"}

    assert await refusal(_create_server(pool.cognito, pool.pool_id)) == (
        "InvalidParameterException",
        f"profiles already exists in user pool {pool.pool_id}.",
    )
    for call in (
        pool.cognito.create_resource_server(**missing, **server),
        pool.cognito.list_resource_servers(**missing),
        pool.cognito.update_resource_server(**missing, **server),
    ):
        assert (await refusal(call))[0] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"GenerateSecret": False},
            (
                "InvalidOAuthFlowException",
                "client_credentials flow can not be selected if client does not have a client secret.",
            ),
        ),
        (
            {"AllowedOAuthFlows": ["client_credentials", "code"]},
            (
                "InvalidOAuthFlowException",
                "client_credentials flow can not be selected along with code flow or implicit flow",
            ),
        ),
        (
            OPENID,
            (
                "InvalidOAuthFlowException",
                "openid is not supported with client_credentials flow",
            ),
        ),
        (
            {"AllowedOAuthScopes": ["profiles/profiles.erase"]},
            ("ScopeDoesNotExistException", "Invalid scope requested: profiles/profiles.erase"),
        ),
        (
            {"AllowedOAuthScopes": []},
            (
                "InvalidParameterException",
                (
                    "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is"
                    " allowed to use OAuth flows."
                ),
            ),
        ),
    ],
    ids=str,
)
async def test_impossible_client_is_refused(
    pool: Pool, changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    """A client of this grant needs a secret, this flow alone, and scopes of a resource server."""
    assert await refusal(pool.client(**changes)) == expected


async def test_changed_client_keeps_its_secret(pool: Pool) -> None:
    """A change is checked against the secret that the client has."""
    named = {"UserPoolId": pool.pool_id, "ClientId": pool.client_id}
    settings = {name: value for name, value in MACHINE.items() if name != "GenerateSecret"}

    await pool.cognito.update_user_pool_client(**named, **settings)
    kind, _ = await refusal(pool.cognito.update_user_pool_client(**named, **settings | OPENID))

    assert kind == "InvalidOAuthFlowException"
    assert (await pool.token((pool.client_id, pool.secret)))[0] == 200
