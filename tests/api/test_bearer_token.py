"""The sources of an access token."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from service.api import keys
from service.api.bearer_token import sign_in
from service.domain.errors import TokenInvalid
from service.domain.identity import AccessTokenVerifiers, Identity
from tests.support.fakes.access_tokens import MemoryServiceTokens

ALB = "x-amzn-oidc-accesstoken"


class Named:
    """A verifier that accepts a token as the user of the same name."""

    def __init__(self, sub: str) -> None:
        self._sub = sub

    async def verify(self, _: str) -> Identity:
        """Return the user."""
        return Identity(self._sub, "bearer")


async def _signed_in(*headers: tuple[str, str]) -> tuple[str, str]:
    """Return the token, and the verifier that it was given to."""
    app = web.Application()
    app[keys.ACCESS_TOKENS] = AccessTokenVerifiers(
        Named("authorization"), Named("load_balancer"), MemoryServiceTokens()
    )
    request = make_mocked_request("GET", "/", headers=CIMultiDict(headers), app=app)
    return await sign_in(request), request[keys.IDENTITY].sub


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([("Authorization", "Bearer a.b.c")], ("a.b.c", "authorization")),
        ([("Authorization", "bearer a.b.c")], ("a.b.c", "authorization")),
        ([(ALB, "a.b.c")], ("a.b.c", "load_balancer")),
        ([(ALB, "a.b.c=="), ("Authorization", "Bearer own")], ("own", "authorization")),
    ],
    ids=str,
)
async def test_token_is_the_callers_own_or_the_load_balancers(
    headers: list[tuple[str, str]], found: tuple[str, str]
) -> None:
    """`Authorization` has precedence; each header has its own verifier."""
    assert await _signed_in(*headers) == found


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "Basic a")],
        [("Authorization", "Basic a"), (ALB, "a.b.c")],
        [("Authorization", "Bearer a"), ("Authorization", "Bearer a")],
        [(ALB, "a"), (ALB, "a")],
        [(ALB, "Bearer a")],
        [(ALB, "")],
        [(ALB, "a b")],
    ],
    ids=str,
)
async def test_anything_else_is_no_token(headers: list[tuple[str, str]]) -> None:
    """Two copies, another scheme and a malformed token are refused."""
    with pytest.raises(TokenInvalid):
        await _signed_in(*headers)
