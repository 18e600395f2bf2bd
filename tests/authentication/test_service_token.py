"""The verifier of the access tokens of other services."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from service.authentication.access_token import AccessTokenAuthenticator
from service.authentication.jwks import Jwks
from service.authentication.service_token import ServiceTokens
from service.domain.errors import TokenInvalid
from service.domain.identity import ServiceCaller, ServiceScope
from tests.authentication.trusting import access_token, service_tokens
from tests.support.access_token_signer import (
    EXPIRY,
    OF_SERVICE,
    READ,
    SERVICE,
    AccessTokenSigner,
    bearing,
)
from tests.support.alb_token_signer import CLIENT, OTHER_FORM, SUB
from tests.support.clock import Clock
from tests.support.raw_jwt import ABSENT
from tests.support.scripted_key_server import ScriptedKeyServer

R, W, E = ServiceScope.READ, ServiceScope.WRITE, ServiceScope.ERASE


@pytest.fixture
def services(jwks: Jwks, clock: Clock) -> ServiceTokens:
    """Return the verifier that accepts one service."""
    return service_tokens(jwks, clock)


def minted(pool: AccessTokenSigner, changes: Mapping[str, Any] | None = None) -> str:
    """Return a token of the service, valid but for the changes."""
    return pool.mint({**OF_SERVICE, **(changes or {})})


@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        (READ, {R}),
        ("profiles/profiles.write profiles/profiles.read", {R, W}),
        ("profiles/profiles.erase", {E}),
        (f"other/x {READ} openid", {R}),
        (f"{READ} {READ}", {R}),
        (ABSENT, set()),
        ("", set()),
        *(
            (trick, set[ServiceScope]())
            for trick in (
                "profiles.read",
                "profiles",
                "profiles/",
                "profiles/read",
                "profiles/profiles.reader",
                "profiles/profiles.rea",
                "profiles/profiles.read.all",
                "xprofiles/profiles.read",
                "other/profiles.read",
                "other/profiles/profiles.read",
                "profiles/profiles/profiles.read",
                "PROFILES/PROFILES.READ",
                "profiles/profiles.*",
                "*",
                "profiles/profiles.read,profiles/profiles.write",
                "profiles/profiles.read\tprofiles/profiles.write",
                "profiles/profiles.read\n",
                "profiles/profiles.read\N{NO-BREAK SPACE}",
                "profiles%2Fprofiles.read",
                '"profiles/profiles.read"',
                "aws.cognito.signin.user.admin",
            )
        ),
    ],
)
async def test_scopes_are_compared_whole(
    services: ServiceTokens, pool: AccessTokenSigner, scope: object, granted: set[ServiceScope]
) -> None:
    """A scope is granted by exactly `<resource server>/<scope>`, among others separated by a space."""
    token = minted(pool, {"scope": scope})

    assert await services.verify(token) == ServiceCaller(SERVICE, frozenset(granted))


NOT_OF_A_SERVICE: Final[Mapping[str, Mapping[str, Any]]] = {
    "a user's by the service's client": {"sub": SUB, "username": "alice"},
    "a user's by the service's client without a name": {"sub": SUB},
    "with a user name": {"username": "alice"},
    "with an empty user name": {"username": ""},
    "with a user name of null": {"username": None},
    "with the client as user name": {"username": SERVICE},
    "another client's": {"sub": "other", "client_id": "other"},
    "another client's for this sub": {"client_id": "other"},
    "of a longer client": {"sub": f"{SERVICE}x", "client_id": f"{SERVICE}x"},
    "of a shorter client": {"sub": SERVICE[:-1], "client_id": SERVICE[:-1]},
    "of the client in capitals": {"sub": SERVICE.upper(), "client_id": SERVICE.upper()},
    "of the user's client": {"sub": CLIENT, "client_id": CLIENT},
    "without a client": {"client_id": ABSENT},
    "of clients": {"client_id": [SERVICE], "sub": [SERVICE]},
    "without a sub": {"sub": ABSENT},
    "an id token": {"token_use": "id", "aud": SERVICE},
    "of scopes in a list": {"scope": [READ]},
    "of scopes in an object": {"scope": {READ: True}},
    "of the scope null": {"scope": None},
    "of the scope 1": {"scope": 1},
    "of another pool": {"iss": f"{OTHER_FORM}x"},
    "expired": {"exp": EXPIRY - 7_200},
}


@pytest.mark.parametrize("name", NOT_OF_A_SERVICE)
async def test_token_of_no_listed_service_is_rejected_before_keys_are_fetched(
    services: ServiceTokens, pool: AccessTokenSigner, endpoint: ScriptedKeyServer, name: str
) -> None:
    """Only a listed client's own access token is a service's: never a user's, whichever client it has."""
    with pytest.raises(TokenInvalid):
        await services.verify(minted(pool, NOT_OF_A_SERVICE[name]))

    assert endpoint.asked == []


async def test_users_token_is_rejected(services: ServiceTokens, pool: AccessTokenSigner) -> None:
    """The token of a user is valid for the user, and no service's."""
    with pytest.raises(TokenInvalid):
        await services.verify(pool.mint())


async def test_service_is_no_user_of_its_own_client(
    jwks: Jwks, clock: Clock, pool: AccessTokenSigner
) -> None:
    """A service's token proves no user, also where its client is one of users, and vice versa."""
    users: AccessTokenAuthenticator = access_token(jwks, clock)
    services = service_tokens(jwks, clock, clients=CLIENT)
    own = minted(pool, {"sub": CLIENT, "client_id": CLIENT})

    assert await services.verify(own) == ServiceCaller(CLIENT, frozenset({R}))
    with pytest.raises(TokenInvalid):
        await users.identify(bearing(own))
    assert (await users.verify(pool.mint())).sub == SUB
    with pytest.raises(TokenInvalid):
        await services.verify(pool.mint())


async def test_no_service_is_accepted_without_clients(
    jwks: Jwks, clock: Clock, pool: AccessTokenSigner
) -> None:
    """With an empty `[services] clients` every token is invalid."""
    with pytest.raises(TokenInvalid):
        await service_tokens(jwks, clock, clients="").verify(minted(pool))


async def test_cached_token_expires(
    services: ServiceTokens, pool: AccessTokenSigner, clock: Clock, endpoint: ScriptedKeyServer
) -> None:
    """A verified token is cached with its scopes, and rejected from its expiry on."""
    token = minted(pool)
    first = await services.verify(token)
    clock.now = EXPIRY - 0.001
    assert await services.verify(token) == first
    assert endpoint.asked == ["jwks.json"]

    clock.now = EXPIRY

    with pytest.raises(TokenInvalid):
        await services.verify(token)
