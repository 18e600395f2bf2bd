"""Run the local AWS as a process: python -m local_aws."""

import argparse
import signal
import sys
from collections.abc import Sequence

from local_aws.server import local_aws

STOPS = {signal.SIGTERM, signal.SIGINT}


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT, and give the exit status 0."""
    parser = argparse.ArgumentParser(prog="python -m local_aws", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (%(default)s)")
    parser.add_argument("--port", default=5000, type=int, help="port, 0 for any (%(default)s)")
    options = parser.parse_args(arguments)
    # Blocked before any thread starts, so that no thread but sigwait() ever takes a signal.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        with local_aws(host=options.host, port=options.port) as aws:
            print(  # noqa: T201 -- a command says on stdout what it does
                f"local AWS listens on {aws.endpoint_url}", flush=True
            )
            signal.sigwait(STOPS)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return 0


if __name__ == "__main__":  # pragma: no cover -- the tests run this line in a process of its own
    sys.exit(main())
