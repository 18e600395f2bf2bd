"""The authenticator for Cognito access tokens: accepted tokens and required headers."""

from collections.abc import Callable, Mapping
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from service.authentication.access_token import AccessTokenAuthenticator
from service.authentication.jwks import Jwks
from service.authentication.key_client import KeyClient
from service.domain.errors import NotAuthenticated, TokenInvalid
from service.domain.identity import Identity, RequestCredentials
from tests.authentication.trusting import (
    SKEW_S,
    access_token,
    assert_no_leak,
    json_key_set,
    refused,
)
from tests.support.access_token_signer import EXPIRY, AccessTokenSigner, bearing, credentials
from tests.support.alb_token_signer import OTHER_FORM, SUB
from tests.support.clock import NOW, Clock
from tests.support.raw_jwt import ABSENT
from tests.support.scripted_key_server import ScriptedKeyServer, ok

ALICE: Final = Identity(SUB, "bearer")

GOOD: Final[Mapping[str, Callable[[AccessTokenSigner], str]]] = {
    "as Cognito makes it": lambda pool: pool.mint(),
    "issuer in its other form": lambda pool: pool.mint({"iss": OTHER_FORM}),
    "claims that nobody asked for": lambda pool: pool.mint({"x": {"y": [None]}}, {"x": "é"}),
    "claims of objects": lambda pool: pool.mint({"__proto__": {}, "constructor": 1}),
    "optional claims missing": lambda pool: pool.mint(
        dict.fromkeys(("scope", "jti", "version", "auth_time"), ABSENT)
    ),
    "expiry a fraction": lambda pool: pool.mint({"exp": NOW + 0.5}),
    "issued just now by a fast clock": lambda pool: pool.mint({"iat": NOW + SKEW_S}),
    "valid from now by a fast clock": lambda pool: pool.mint({"nbf": NOW + SKEW_S}),
    "audience": lambda pool: pool.mint({"aud": "https://api.example.com"}),
    "typed": lambda pool: pool.mint({}, {"typ": "at+jwt"}),
    "11 KB": lambda pool: pool.mint({"cognito:groups": ["g" * 78] * 95}),
}


@pytest.mark.parametrize("name", GOOD)
async def test_valid_token_is_accepted(
    bearer: AccessTokenAuthenticator, pool: AccessTokenSigner, name: str
) -> None:
    """A valid token of the user pool for this client is accepted in every form."""
    token = GOOD[name](pool)

    assert await bearer.identify(bearing(token)) == ALICE
    assert await bearer.identify(bearing(token)) == ALICE


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_scheme_is_written_in_any_case(
    bearer: AccessTokenAuthenticator, pool: AccessTokenSigner, scheme: str
) -> None:
    """The name of a scheme has no case (RFC 9110, section 11.1)."""
    assert await bearer.identify(credentials(f"{scheme} {pool.mint()}")) == ALICE


async def test_missing_authorization_is_ignored(bearer: AccessTokenAuthenticator) -> None:
    """Without the header the authenticator returns None, whatever the other headers."""
    shown = RequestCredentials(
        peer=None, oidc_identity=(SUB,), oidc_data=("x",), oidc_access_token=("x",)
    )

    assert await bearer.identify(shown) is None


GAMES: Final[Mapping[str, tuple[type[Exception], Callable[[str], tuple[str, ...]]]]] = {
    "twice": (NotAuthenticated, lambda token: (f"Bearer {token}",) * 2),
    "twice, one bad": (NotAuthenticated, lambda token: (f"Bearer {token}", "Bearer x")),
    "twice, one of another scheme": (NotAuthenticated, lambda t: (f"Bearer {t}", "Basic eDp5")),
    "another scheme": (NotAuthenticated, lambda _: ("Basic eDp5",)),
    "another scheme with a good token": (NotAuthenticated, lambda token: (f"JWT {token}",)),
    "no scheme": (NotAuthenticated, lambda token: (token,)),
    "empty": (NotAuthenticated, lambda _: ("",)),
    "a space": (NotAuthenticated, lambda _: (" ",)),
    "a tab for the space": (NotAuthenticated, lambda token: (f"Bearer\t{token}",)),
    "a colon": (NotAuthenticated, lambda token: (f"Bearer: {token}",)),
    "a space in front": (NotAuthenticated, lambda token: (f" Bearer {token}",)),
    "a full-width letter in the scheme": (NotAuthenticated, lambda t: (f"\uff22earer {t}",)),
    "a no-break space": (NotAuthenticated, lambda token: (f"Bearer\xa0{token}",)),
    "bytes that are no UTF-8 in front": (NotAuthenticated, lambda t: (f"\udce9Bearer {t}",)),
    "nothing but the scheme": (TokenInvalid, lambda _: ("Bearer",)),
    "no token behind the space": (TokenInvalid, lambda _: ("Bearer ",)),
    "two spaces": (TokenInvalid, lambda token: (f"Bearer  {token}",)),
    "two words": (TokenInvalid, lambda token: (f"Bearer {token} {token}",)),
    "a word behind": (TokenInvalid, lambda token: (f"Bearer {token} x",)),
    "a comma behind": (TokenInvalid, lambda token: (f"Bearer {token},",)),
    "two listed": (TokenInvalid, lambda token: (f"Bearer {token}, Bearer {token}",)),
    "in quotes": (TokenInvalid, lambda token: (f'Bearer "{token}"',)),
    "bytes that are no UTF-8 behind": (TokenInvalid, lambda token: (f"Bearer {token}\udce9",)),
}


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("known", [False, True], ids=["new", "remembered"])
async def test_malformed_authorization_is_rejected(
    bearer: AccessTokenAuthenticator, pool: AccessTokenSigner, name: str, *, known: bool
) -> None:
    """Authorization must be sent once, with one scheme and one token, cached or not."""
    expected, shown = GAMES[name]
    token = pool.mint()
    if known:
        assert await bearer.identify(bearing(token)) == ALICE

    with pytest.raises(expected) as caught:
        await bearer.identify(credentials(*shown(token)))

    assert isinstance(caught.value, NotAuthenticated | TokenInvalid)
    assert_no_leak(caught.value, bearing(token))


async def test_cached_token_expires(
    bearer: AccessTokenAuthenticator, pool: AccessTokenSigner, clock: Clock
) -> None:
    """A cached token is rejected from its expiry on."""
    token = pool.mint()
    clock.now = EXPIRY - 0.001
    assert await bearer.identify(bearing(token)) == ALICE

    clock.now = EXPIRY

    await refused(bearer, bearing(token))


async def test_rotation_is_followed(
    jwks: Jwks, clock: Clock, endpoint: ScriptedKeyServer, pool: AccessTokenSigner
) -> None:
    """In the middle of use a pool may take a new key: it is found by one fetch, and the old one stays."""
    bearer = access_token(jwks, clock, capacity=0)
    rotating = AccessTokenSigner()
    old, new = pool.mint(), rotating.mint()
    assert await bearer.identify(bearing(old)) == ALICE
    endpoint.answers["jwks.json"] = ok(json_key_set(pool.jwk, rotating.jwk))
    clock.now += 10

    for token in (new, old, new, old):
        assert await bearer.identify(bearing(token)) == ALICE

    assert len(endpoint.asked) == 2


class CountingKeySet(Jwks):
    """A key set that counts look-ups."""

    asked = 0

    async def key(self, kid: str) -> RSAPublicKey:
        """Count, and return the key."""
        self.asked += 1
        return await super().key(kid)


async def test_cached_token_is_not_verified_again(
    server: KeyClient, endpoint: ScriptedKeyServer, clock: Clock, pool: AccessTokenSigner
) -> None:
    """A cached token is not parsed, and its key not looked up."""
    keys = CountingKeySet(server, url=f"{endpoint.url}jwks.json", clock=clock)
    bearer = access_token(keys, clock)
    token = pool.mint()
    for _ in range(3):
        assert await bearer.identify(bearing(token)) == ALICE

    assert keys.asked == 1
