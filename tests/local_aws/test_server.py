"""The server starts and stops fast, leaves no threads, and keeps connections alive."""

import http.client
import json
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from moto.cognitoidp.models import cognitoidp_backends

from local_aws.server import LOCAL, LocalAws, local_aws


@contextmanager
def _connected(aws: LocalAws) -> Iterator[http.client.HTTPConnection]:
    url = urlsplit(aws.endpoint_url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=10)
    try:
        yield connection
    finally:
        connection.close()


def _outbox(connection: http.client.HTTPConnection, method: str = "GET") -> bytes:
    connection.request(method, "/local-aws/outbox?username=nobody")
    answer = connection.getresponse()
    assert answer.status == 200
    return answer.read()


def test_stop_leaves_no_thread_and_frees_the_port() -> None:
    """After the block no thread runs, although a client keeps its connection."""
    before = set(threading.enumerate())
    with local_aws() as aws, _connected(aws) as connection:
        assert json.loads(_outbox(connection)) == []
        assert len(threading.enumerate()) > len(before)
        port = urlsplit(aws.endpoint_url).port or 0
        stopping = time.perf_counter()
        # The client keeps its connection when the server stops: see _connected above.
        client = connection.sock
    assert time.perf_counter() - stopping < 4
    assert set(threading.enumerate()) <= before
    assert client is not None
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))


def test_stop_hangs_up_on_a_kept_connection() -> None:
    """An idle connection does not delay the stop."""
    server = local_aws()
    aws = server.__enter__()
    with _connected(aws) as connection:
        _outbox(connection)
        stopping = time.perf_counter()
        server.__exit__(None, None, None)
        assert time.perf_counter() - stopping < 4
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            _outbox(connection)


def test_stop_survives_a_client_that_left() -> None:
    """A connection that the client has reset does not break the stop."""
    with local_aws() as aws:
        url = urlsplit(aws.endpoint_url)
        sockets = [socket.create_connection(("127.0.0.1", url.port or 0)) for _ in range(20)]
        for client in sockets:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.close()


def test_connection_is_kept() -> None:
    """Many requests use one connection, without delays by Nagle's algorithm."""
    with local_aws() as aws, _connected(aws) as connection:
        _outbox(connection)
        client = connection.sock
        for _ in range(20):
            _outbox(connection)
        assert connection.sock is client


def test_head_has_no_body() -> None:
    """A response to HEAD has no body, and the next response follows it."""
    with local_aws() as aws, _connected(aws) as connection:
        assert _outbox(connection, "HEAD") == b""
        assert _outbox(connection) == b"[]"


@pytest.mark.parametrize(
    "headers",
    [{"Transfer-Encoding": "chunked"}, {"Content-Length": "many"}],
    ids=["chunked", "not a number"],
)
def test_body_of_unknown_length_is_refused(headers: dict[str, str]) -> None:
    """A request without Content-Length is refused with 411."""
    with local_aws() as aws, _connected(aws) as connection:
        connection.putrequest("POST", "/")
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        assert answer.status == 411
        answer.read()
        assert connection.sock is None


def test_nothing_is_logged(capfd: pytest.CaptureFixture[str]) -> None:
    """There is no access log, which would bury the codes."""
    with local_aws() as aws, _connected(aws) as connection:
        _outbox(connection)
    assert capfd.readouterr() == ("", "")


def test_port_that_is_taken_is_an_error() -> None:
    """A port that is taken raises OSError."""
    with local_aws() as aws:
        port = urlsplit(aws.endpoint_url).port or 0
        with pytest.raises(OSError, match="in use"), local_aws(ports=[port]):
            pass


def test_address_of_all_interfaces_can_be_called() -> None:
    """The endpoint URL of a wildcard address is one to connect to."""
    with local_aws(host="0.0.0.0") as aws, _connected(aws) as connection:  # noqa: S104 -- what is tested
        assert aws.endpoint_url.startswith("http://127.0.0.1:")
        _outbox(connection)


def test_servers_share_no_codes_but_one_lock() -> None:
    """Two servers of one process run side by side."""
    with local_aws() as first, local_aws() as second:
        assert first.endpoint_url != second.endpoint_url
        with _connected(first) as one, _connected(second) as other:
            assert _outbox(one) == _outbox(other) == b"[]"


def test_taken_port_gives_way_to_the_next() -> None:
    """The first of several ports that is free is used."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with local_aws(ports=[port, 0]) as aws:
            assert not aws.endpoint_url.endswith(f":{port}")
    with local_aws(ports=[port, 0]) as aws:
        assert aws.endpoint_url.endswith(f":{port}")


def test_issuer_is_the_server_itself() -> None:
    """With LOCAL, a pool's configuration names the server as the issuer."""
    pool = cognitoidp_backends["1" * 12]["eu-west-1"].create_user_pool("x", {})
    for issuer_url in (LOCAL, "https://login.example"):
        with local_aws(issuer_url=issuer_url) as aws:
            own = aws.endpoint_url if issuer_url == LOCAL else issuer_url
            path = f"/{pool.id}/.well-known/openid-configuration"
            with urllib.request.urlopen(aws.endpoint_url + path) as answer:  # noqa: S310 -- ours
                assert json.load(answer)["issuer"] == f"{own}/{pool.id}"
