"""The source that believes a plain header."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from service.authentication.trusted_header import TrustedHeaderAuthenticator
from service.domain.errors import NotAuthenticated
from service.domain.identity import Identity, RequestCredentials
from tests.support.configs import configured

SOURCE = TrustedHeaderAuthenticator(header_peers=(ip_network("10.0.0.0/8"), ip_network("fc00::/7")))


@pytest.mark.parametrize("peer", ["10.255.255.255", "fd00::1"])
async def test_trusted_peer_names_the_user(peer: str) -> None:
    """The header of a peer inside the networks is accepted."""
    credentials = RequestCredentials(peer=ip_address(peer), oidc_identity=("alice",))

    assert await SOURCE.identify(credentials) == Identity(sub="alice", source="header")


@pytest.mark.parametrize("peer", ["11.0.0.1", "::1", "8.8.8.8", None])
async def test_other_peer_is_rejected(peer: str | None) -> None:
    """The header of any other peer, or of none, is rejected, not ignored."""
    address = None if peer is None else ip_address(peer)

    with pytest.raises(NotAuthenticated):
        await SOURCE.identify(RequestCredentials(peer=address, oidc_identity=("alice",)))


@pytest.mark.parametrize("peer", ["10.0.0.5", "172.17.0.1", "192.168.1.9", "fd00::1"])
async def test_private_peer_is_refused_by_default(peer: str) -> None:
    """By default only the same machine is believed: behind a load balancer, peers are private."""
    source = TrustedHeaderAuthenticator(header_peers=configured().identity.header_peers)
    local = RequestCredentials(peer=ip_address("127.0.0.1"), oidc_identity=("alice",))

    with pytest.raises(NotAuthenticated):
        await source.identify(replace(local, peer=ip_address(peer)))
    assert await source.identify(local) == Identity(sub="alice", source="header")


@pytest.mark.parametrize(
    "copies",
    [("alice", "alice"), ("",), ("a b",), ("x" * 256,), ("alice~history",), ("~activity",)],
    ids=repr,
)
async def test_invalid_header_is_rejected(copies: tuple[str, ...]) -> None:
    """A trusted peer must send one header with a valid subject."""
    with pytest.raises(NotAuthenticated):
        await SOURCE.identify(RequestCredentials(peer=ip_address("10.0.0.1"), oidc_identity=copies))


async def test_missing_header_is_ignored() -> None:
    """Without the header the authenticator returns None, whichever the peer."""
    assert await SOURCE.identify(RequestCredentials(peer=None)) is None
