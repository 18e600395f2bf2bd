"""moto's DynamoDB behind a guard, on loopback."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from local_aws.application import Application
from local_aws.cognito.state import Cognito
from local_aws.http_server import serving
from local_aws.outbox import Delivery, Outbox
from tests.least_privilege.guard import Guard


@contextmanager
def guarded_moto(policy: str) -> Iterator[tuple[Guard, str]]:
    """
    Serve until the block ends; yields the guard and its URL.

    The tables are moto's and belong to the process: an operator creates them at another server.
    """
    outbox = Outbox(_to_nobody)
    cognito = Cognito(outbox.deliver, time.time)  # noqa: TID251 -- as local_aws does
    guard = Guard(Application(cognito, outbox), policy)
    with serving("127.0.0.1", 0, guard) as port:
        yield guard, f"http://127.0.0.1:{port}"


def _to_nobody(_: Delivery) -> None:
    """Discard codes; no user signs up through the guard."""
