"""Where an access token is found."""

import jwt
import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from service.domain.errors import TokenInvalid
from service.web.bearer import access_token, claimed_subject

KEY = "a key of thirty-two bytes or more"
ALB = "x-amzn-oidc-accesstoken"


def _found(*headers: tuple[str, str]) -> str:
    return access_token(make_mocked_request("GET", "/", headers=CIMultiDict(headers)))


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ([("Authorization", "Bearer a.b.c")], "a.b.c"),
        ([("Authorization", "bearer a.b.c")], "a.b.c"),
        ([(ALB, "a.b.c")], "a.b.c"),
        ([(ALB, "a.b.c=="), ("Authorization", "Bearer own")], "own"),
    ],
    ids=str,
)
def test_token_is_the_callers_own_or_the_load_balancers(
    headers: list[tuple[str, str]], token: str
) -> None:
    """`Authorization` comes first; the load balancer hands its own on beside it."""
    assert _found(*headers) == token


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
def test_anything_else_is_no_token(headers: list[tuple[str, str]]) -> None:
    """Two copies, another scheme or a token that is none identify nobody."""
    with pytest.raises(TokenInvalid):
        _found(*headers)


@pytest.mark.parametrize(
    ("token", "sub"),
    [
        (jwt.encode({"sub": "alice"}, KEY, algorithm="HS256"), "alice"),
        (jwt.encode({}, KEY, algorithm="HS256"), None),
        (jwt.encode({"sub": 7}, KEY, algorithm="HS256"), None),
        ("opaque", None),
        ("a.b.c", None),
    ],
    ids=["a sub", "no sub", "a number", "no token", "no JSON"],
)
def test_claimed_subject_is_read_where_there_is_one(token: str, sub: str | None) -> None:
    """An event names whom a token that Cognito took is about; an opaque token names nobody."""
    assert claimed_subject(token) == sub
