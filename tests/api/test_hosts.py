"""The allowed host names."""

import pytest
from aiohttp import web

from service.app import Adapters, create_app
from tests.api.raw_http import exchange, logged, serving
from tests.support.configs import configured, opening

PROFILE = b"/v1/user/profile"
ALLOWED = "localhost API.example.com [::1] 127.0.0.1"


@pytest.fixture(name="app")
def _app(memory: Adapters) -> web.Application:
    return create_app(configured(), opening(memory))


def _request(target: bytes, *hosts: bytes, version: bytes = b"1.1") -> bytes:
    lines = [b"GET " + target + b" HTTP/" + version, *(b"Host: " + host for host in hosts)]
    return b"\r\n".join([*lines, b"x-amzn-oidc-identity: alice", b"Connection: close", b"", b""])


@pytest.mark.parametrize(
    "host",
    [
        b"localhost",
        b"localhost:8080",
        b"LOCALHOST:1",
        b"api.example.com",
        b"127.0.0.1:80",
        b"[::1]:80",
        b"[::1]",
    ],
)
async def test_allowed_host_is_served(app: web.Application, host: bytes) -> None:
    """An allowed host name is accepted in any case and with any port."""
    async with serving(app, **{"allowed-hosts": ALLOWED}) as port:
        heard = await exchange(port, _request(PROFILE, host))
        absolute = await exchange(port, _request(b"http://" + host + PROFILE, host))

    assert [answer.code for answer in heard.answers] == ["profile_not_found"]
    assert [answer.code for answer in absolute.answers] == ["profile_not_found"]


@pytest.mark.parametrize(
    "request_text",
    [
        _request(PROFILE, b"attacker.example"),
        _request(PROFILE, b"localhost.attacker.example"),
        _request(PROFILE, b"xlocalhost"),
        _request(PROFILE, b"localhost."),
        _request(PROFILE, b"127.1"),
        _request(PROFILE, b"[::2]"),
        _request(PROFILE, b""),
        _request(PROFILE, version=b"1.0"),
        _request(b"http://attacker.example" + PROFILE, b"localhost"),
        _request(b"http://localhost" + PROFILE, b"attacker.example"),
        _request(b"/health", b"attacker.example"),
        _request(b"/docs", b"attacker.example"),
        _request(b"/openapi.json?/health/live", b"attacker.example"),
    ],
)
async def test_other_host_is_refused(app: web.Application, request_text: bytes) -> None:
    """Another or a missing host name, in Host or in the target, is 400."""
    async with serving(app, **{"allowed-hosts": ALLOWED}) as port:
        with logged() as log:
            heard = await exchange(port, request_text)

    assert [(answer.status, answer.code) for answer in heard.answers] == [
        (400, "malformed_request")
    ]
    assert b"host name" in heard.text
    assert b"attacker" not in heard.text
    assert '"reason":"host_not_allowed"' in log.getvalue()


@pytest.mark.parametrize("host", [b"10.0.0.7:8080", b"anything", b""])
async def test_health_is_served_under_every_host(app: web.Application, host: bytes) -> None:
    """Health checks are served under any host name."""
    async with serving(app, **{"allowed-hosts": ALLOWED}) as port:
        heard = await exchange(port, _request(b"/health/live?x", host))

    assert [answer.status for answer in heard.answers] == [200]


async def test_every_host_is_right_by_default(app: web.Application) -> None:
    """Without the setting any host name is served."""
    async with serving(app) as port:
        heard = await exchange(port, _request(PROFILE, b"anything.example"))

    assert [answer.code for answer in heard.answers] == ["profile_not_found"]
