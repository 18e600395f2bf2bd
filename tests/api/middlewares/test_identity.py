"""Authentication by the middleware."""

from dataclasses import replace
from ipaddress import ip_address

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from structlog.testing import capture_logs

from service.api.middlewares.identity import credentials_of
from service.api.request_parsing import request_body
from service.app import Adapters, create_app
from service.authentication.trusted_header import TrustedHeaderAuthenticator
from service.domain.errors import NotAuthenticated
from service.domain.identity import Authenticator, Identity, RequestCredentials
from tests.api.conftest import ALICE, Api, Start
from tests.support.configs import configured, opening

PATH = "/v1/user/profile"


class Fixed:
    """An authenticator with a fixed result."""

    def __init__(self, name: str, sub: str | None) -> None:
        self.name = name
        self._sub = sub

    async def identify(self, _: RequestCredentials) -> Identity | None:
        """Return the fixed identity."""
        return None if self._sub is None else Identity(self._sub, self.name)


class Refusing:
    """An authenticator that refuses."""

    name = "refusing"

    async def identify(self, _: RequestCredentials) -> Identity | None:
        """Refuse."""
        raise NotAuthenticated


async def test_identified_user_is_served(api: Api) -> None:
    """A trusted peer's header names the user."""
    assert (await api.get(PATH, headers=ALICE)).status == 404


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("x-amzn-oidc-identity", "")],
        [("x-amzn-oidc-identity", "a b")],
        [("x-amzn-oidc-identity", "é")],
        [("x-amzn-oidc-identity", "x" * 256)],
        [("x-amzn-oidc-identity", "alice"), ("x-amzn-oidc-identity", "alice")],
        [("x-amzn-oidc-identity", "alice"), ("x-amzn-oidc-identity", "bob")],
        [("x_amzn_oidc_identity", "alice")],
        [("x-amzn-oidc-data", "alice")],
        [("Authorization", "Bearer alice")],
    ],
    ids=str,
)
async def test_malformed_identity_is_refused(api: Api, headers: list[tuple[str, str]]) -> None:
    """Only exactly one header of visible ASCII, at most 255 characters, names a user."""
    answer = await api.get(PATH, headers=headers)

    assert answer.status == 401
    assert (await answer.json())["code"] == "not_authenticated"


async def test_longest_name_is_served(api: Api) -> None:
    """255 characters are a name."""
    answer = await api.get(PATH, headers={"x-amzn-oidc-identity": "~" * 255})

    assert answer.status == 404


async def test_peer_outside_the_trusted_networks_is_refused(start: Start, memory: Adapters) -> None:
    """The header of a peer that is not trusted is worth nothing, whatever it says."""
    config = configured({"identity": {"header-peers": ""}})
    sources = (TrustedHeaderAuthenticator(header_peers=config.identity.header_peers),)
    api = await start(adapters=replace(memory, authenticators=sources))

    assert (await api.get(PATH, headers=ALICE)).status == 401


@pytest.mark.parametrize(
    ("sources", "sub"),
    [
        ([Fixed("a", None), Fixed("b", "bob")], "bob"),
        ([Fixed("a", "bob"), Fixed("b", None)], "bob"),
        ([Fixed("a", "bob"), Fixed("b", "bob")], "bob"),
        ([Fixed("a", "bob"), Fixed("b", "eve")], None),
        ([Fixed("a", None)], None),
        ([Fixed("alb", configured().cognito.client_id)], None),
        ([Fixed("a", "bob"), Refusing()], None),
        ([], None),
    ],
    ids=[
        "second",
        "first",
        "agreeing",
        "disagreeing",
        "nothing found",
        "an app client",
        "one refuses",
        "none",
    ],
)
async def test_all_sources_that_find_something_must_agree(
    start: Start, memory: Adapters, sources: list[Authenticator], sub: str | None
) -> None:
    """All sources with a result must agree; a refusal by one refuses the request."""
    api = await start(adapters=replace(memory, authenticators=tuple(sources)))

    with capture_logs() as logs:
        answer = await api.post(PATH, json={})

    assert answer.status == (401 if sub is None else 201)
    assert logs[-1].get("sub") == sub
    if sub is not None:
        assert (await answer.json())["userId"] == sub
        assert logs[-1]["identity_source"] == next(
            source.name for source in sources if getattr(source, "_sub", None)
        )


async def test_unlisted_route_requires_an_identity(
    memory: Adapters,
) -> None:
    """A handler that is missing from the routes is not public."""
    app = create_app(configured(), opening(memory))

    async def forgotten(_: web.Request) -> web.Response:
        return request_body.answer({})

    app.router.add_get("/forgotten", forgotten)
    async with TestClient(TestServer(app)) as api:
        assert (await api.get("/forgotten")).status == 401
        assert (await api.get("/forgotten", headers=ALICE)).status == 200


@pytest.mark.parametrize(
    ("remote", "peer"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("::1", "::1"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("/run/service.sock", None),
        ("", None),
    ],
)
def test_peer_is_the_address_of_the_transport(remote: str, peer: str | None) -> None:
    """An IPv4-mapped IPv6 peer is an IPv4 one; a Unix socket has no peer."""
    request = make_mocked_request("GET", "/").clone(remote=remote)

    assert credentials_of(request).peer == (None if peer is None else ip_address(peer))
