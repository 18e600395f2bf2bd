"""Start and stop the local AWS in this process."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from local_aws.application import Application
from local_aws.cognito.state import Cognito
from local_aws.http_server import reachable, serving
from local_aws.outbox import Delivery, Outbox, announce_on_console


@dataclass(frozen=True, slots=True)
class LocalAws:
    """A running local AWS."""

    endpoint_url: str
    """For every service and every region."""


@contextmanager
def local_aws(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    announce: Callable[[Delivery], None] = announce_on_console,
    now: Callable[[], float] = time.time,
) -> Iterator[LocalAws]:
    """
    Serve Cognito and DynamoDB until the block ends.

    Port 0 binds a free port. *announce* is called with every code that Cognito sends. *now* is Cognito's
    clock, in seconds since 1970. Raises OSError where the address cannot be bound.

    Pools, users and tables belong to moto and to the process: all servers of the process share them, and
    they outlive the servers.
    """
    outbox = Outbox(announce)
    application = Application(Cognito(outbox.deliver, now), outbox)
    with serving(host, port, application) as bound:
        yield LocalAws(f"http://{reachable(host)}:{bound}")
