"""Authenticators and assertions of the tests."""

import asyncio
import json
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

from service.authentication import access_token as bearer
from service.authentication import alb_token as alb
from service.authentication.alb_keys import AlbKeys
from service.authentication.jwks import Jwks
from service.authentication.key_client import KeyClient, NoSuchKey
from service.authentication.pool_tokens import PoolTokens
from service.authentication.service_token import ServiceTokens
from service.authentication.verified_token_cache import VerifiedTokenCache
from service.domain.errors import NotAuthenticated, ServiceError, TokenInvalid
from service.domain.identity import Authenticator, RequestCredentials
from tests.support.access_token_signer import SERVICE
from tests.support.alb_token_signer import ARN, CLIENT, ISSUER, OTHER_FORM
from tests.support.configs import configured

SECOND_ARN: Final = ARN.replace("app/front/50dc6c495c0c9188", "app/back/60dc6c495c0c9188")
ISSUERS: Final = frozenset({ISSUER, OTHER_FORM})
SKEW_S: Final = 5.0


def load_balancer(
    keys: AlbKeys, clock: Callable[[], float], *, capacity: int = 100
) -> alb.AlbAuthenticator:
    """Return a source that trusts two load balancers."""
    return alb.AlbAuthenticator(
        alb.Expected(frozenset({ARN, SECOND_ARN}), CLIENT, ISSUERS),
        keys=keys,
        cache=VerifiedTokenCache(capacity=capacity),
        clock=clock,
        skew_s=SKEW_S,
    )


def access_token(
    keys: Jwks, clock: Callable[[], float], *, capacity: int = 100
) -> bearer.AccessTokenAuthenticator:
    """Return a source that trusts a pool."""
    return bearer.AccessTokenAuthenticator(
        bearer.Expected(ISSUERS, frozenset({CLIENT})),
        keys=keys,
        cache=VerifiedTokenCache(capacity=capacity),
        clock=clock,
        skew_s=SKEW_S,
    )


def service_tokens(
    keys: Jwks, clock: Callable[[], float], *, clients: str = SERVICE, capacity: int = 100
) -> ServiceTokens:
    """Return the verifier of the tokens of services."""
    return ServiceTokens(
        configured({"services": {"clients": clients}}).services,
        tokens=PoolTokens(ISSUERS, keys, clock, SKEW_S),
        cache=VerifiedTokenCache(capacity=capacity),
        clock=clock,
    )


def json_key_set(*keys: Mapping[str, Any]) -> bytes:
    """Return a key set."""
    return json.dumps({"keys": keys}).encode()


async def refused(source: Authenticator, credentials: RequestCredentials) -> None:
    """Assert that the credentials are rejected, with nothing of them in the error."""
    with pytest.raises((NotAuthenticated, TokenInvalid)) as caught:
        await source.identify(credentials)
    assert caught.value.public_detail == type(caught.value).detail
    assert_no_leak(caught.value, credentials)


def assert_no_leak(error: ServiceError, credentials: RequestCredentials, *more: str) -> None:
    """Assert that the error contains nothing of the credentials, nor of *more*."""
    told = "".join(traceback.format_exception(error)) + repr(error)
    shown = (*more, *credentials.authorization, *credentials.oidc_data, *credentials.oidc_identity)
    words = {word for value in shown for word in value.replace(".", " ").split()}
    assert [word for word in words if len(word) > len("Bearer") and word in told] == []


async def settled() -> None:
    """Let every callback that is due run."""
    for _ in range(5):
        await asyncio.sleep(0)


class KeysInMemory(KeyClient):
    """A key server without a network, for tests of thousands of tokens."""

    def __init__(self, answers: Mapping[str, bytes]) -> None:
        self._answers = answers
        self.asked: list[str] = []

    async def fetch(self, url: str) -> bytes:
        """Return the answer."""
        self.asked.append(url)
        if url not in self._answers:
            raise NoSuchKey
        return self._answers[url]
