"""Run the local AWS: python -m local_aws."""

import argparse
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from local_aws.server import local_aws

STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; return 0, or 1 where the address cannot be bound."""
    parser = argparse.ArgumentParser(prog="python -m local_aws", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (%(default)s)")
    parser.add_argument("--port", default=5000, type=int, help="port, 0 for any (%(default)s)")
    options = parser.parse_args(arguments)
    # Blocked before any thread starts, so that only sigwait() receives the signals.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        with ExitStack() as stack:
            try:
                aws = stack.enter_context(local_aws(host=options.host, port=options.port))
            except OSError as error:
                reason = error.strerror or error
                print(  # noqa: T201 -- the output of the command
                    f"local AWS cannot listen on {options.host} port {options.port}: {reason}",
                    file=sys.stderr,
                )
                return 1
            print(  # noqa: T201 -- likewise
                f"local AWS listens on {aws.endpoint_url}", flush=True
            )
            signal.sigwait(STOP_SIGNALS)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return 0


if __name__ == "__main__":  # pragma: no cover -- tests run it in a subprocess
    sys.exit(main())
