"""Start and stop the local AWS inside this process."""

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
    """Name where the local AWS listens."""

    endpoint_url: str
    """Of every service, in every region."""


@contextmanager
def local_aws(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    announce: Callable[[Delivery], None] = announce_on_console,
    now: Callable[[], float] = time.time,
) -> Iterator[LocalAws]:
    """Serve Cognito and DynamoDB until the block ends.

    Port 0 takes a free one. *announce* is called with every code that Cognito sends. *now* is
    Cognito's clock, in seconds since the epoch.

    Pools, users and tables are moto's and belong to the process: a second server sees them too,
    and they outlive this one.
    """
    outbox = Outbox(announce)
    application = Application(Cognito(outbox.deliver, now), outbox)
    with serving(host, port, application) as bound:
        yield LocalAws(f"http://{reachable(host)}:{bound}")
