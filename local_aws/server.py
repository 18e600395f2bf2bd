"""Start and stop the local AWS in this process."""

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from local_aws.application import REQUEST_LOCK, Application
from local_aws.cognito.state import Cognito
from local_aws.http_server import reachable, serving
from local_aws.outbox import Delivery, Outbox, announce_on_console
from local_aws.saved_state.contents import collect, install
from local_aws.saved_state.file import StateFile
from local_aws.saved_state.saver import Saver, restored

LOCAL = "local"  # the issuer that is the server itself


@dataclass(frozen=True, slots=True)
class SavedIn:
    """Where pools, users and tables are saved."""

    folder: Path
    fresh: bool = False
    """Whether what is saved there is removed first."""


@dataclass(frozen=True, slots=True)
class LocalAws:
    """A running local AWS."""

    endpoint_url: str
    """For every service and every region."""
    unreadable: str | None = None
    """A sentence that names a file of saved state that cannot be read and where it is now."""


@contextmanager
def local_aws(  # noqa: PLR0913 -- all have defaults
    *,
    host: str = "127.0.0.1",
    ports: Sequence[int] = (0,),
    announce: Callable[[Delivery], None] = announce_on_console,
    now: Callable[[], float] = time.time,
    issuer_url: str | None = None,
    public_url: str | None = None,
    saved_in: SavedIn | None = None,
) -> Iterator[LocalAws]:
    """
    Serve Cognito and DynamoDB until the block ends.

    Binds the first of *ports* that is free; 0 is any. *announce* is called with every code that Cognito
    sends. *now* is Cognito's clock, in seconds since 1970. *public_url* is the URL at which clients reach
    the server, by default where it listens. *issuer_url* followed by the id of a pool is the issuer of
    its tokens; LOCAL is the URL of the server, None that of AWS. Raises OSError where no address can be
    bound, or where the folder of *saved_in* cannot be used.

    Pools, users and tables belong to moto and to the process: all servers of the process share them, and
    they outlive the servers. With *saved_in* they are restored from there, and saved after each change.
    """
    outbox = Outbox(announce)
    cognito = Cognito(outbox.deliver, now, issuer_url)
    with ExitStack() as stack:
        changed, unreadable = None, None
        if saved_in is not None:
            file = StateFile(saved_in.folder)
            stack.callback(file.close)
            put = functools.partial(install, cognito=cognito, outbox=outbox)
            unreadable = restored(file, put, fresh=saved_in.fresh)
            saver = Saver(file, functools.partial(collect, cognito, outbox), REQUEST_LOCK)
            stack.enter_context(saver.running())
            changed = saver.changed
        application = Application(cognito, outbox, changed)
        bound = _serving(stack, host, ports, application)
        endpoint_url = public_url or f"http://{reachable(host)}:{bound}"
        if issuer_url == LOCAL:
            cognito.issuer_url = endpoint_url
        yield LocalAws(endpoint_url, unreadable)


def _serving(stack: ExitStack, host: str, ports: Sequence[int], application: Application) -> int:
    """Serve on the first free port, and return it."""
    *preferred, last = ports
    for port in preferred:
        with suppress(OSError):  # taken
            return stack.enter_context(serving(host, port, application))
    return stack.enter_context(serving(host, last, application))
