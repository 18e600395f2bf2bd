"""Serve a strict Amazon Cognito and DynamoDB for development: python -m local_aws."""

import argparse
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from local_aws.saved_state.file import FolderInUse
from local_aws.server import LocalAws, SavedIn, local_aws

STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}
UNUSABLE = 1
EPILOG = """\
exit status:
  0 after SIGTERM or SIGINT, 1 if the address or the folder cannot be used,
  2 if an argument is wrong
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; return 0, or UNUSABLE where address or folder cannot be used."""
    options = _parser().parse_args(arguments)
    # Blocked before any thread starts, so that only sigwait() receives the signals.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        with ExitStack() as stack:
            try:
                aws = stack.enter_context(_started(options))
            except FolderInUse as error:
                return _unusable(f"cannot start: {error}")
            except OSError as error:
                if error.filename is not None:
                    return _unusable(f"cannot save to {error.filename}: {error.strerror}")
                address = f"{options.host} port {options.port}"
                return _unusable(f"cannot listen on {address}: {error.strerror or error}")
            if aws.unreadable is not None:
                print(f"local AWS: {aws.unreadable}", file=sys.stderr)  # noqa: T201 -- for a person
            print(_greeting(aws), flush=True)  # noqa: T201 -- the output of the command
            signal.sigwait(STOP_SIGNALS)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local_aws",
        description="Serves a strict Amazon Cognito, and DynamoDB, for development and tests. "
        "Codes that Cognito would send are printed.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (%(default)s)")
    parser.add_argument("--port", default=5000, type=int, help="port, 0 for any (%(default)s)")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        help="keep users and tables in FOLDER (default: in memory)",
    )
    parser.add_argument(
        "--fresh", action="store_true", help="remove what is kept in FOLDER at the start"
    )
    parser.add_argument(
        "--public-url",
        metavar="URL",
        help="the URL at which clients reach this server, if it is another one, such as that of a "
        "container's published port (default: where it listens)",
    )
    parser.add_argument(
        "--issuer-url",
        metavar="URL",
        help="issuer of tokens, without the id of the pool; `local` is the address that this server "
        "prints (default: that of AWS)",
    )
    return parser


def _started(options: argparse.Namespace) -> AbstractContextManager[LocalAws]:
    return local_aws(
        host=options.host,
        ports=[options.port],
        issuer_url=options.issuer_url and options.issuer_url.rstrip("/"),
        public_url=options.public_url and options.public_url.rstrip("/"),
        saved_in=options.data and SavedIn(options.data, fresh=options.fresh),
    )


def _unusable(text: str) -> int:
    print(f"local AWS {text}", file=sys.stderr)  # noqa: T201 -- for a person
    return UNUSABLE


def _greeting(aws: LocalAws) -> str:
    return (
        f"local AWS listens on {aws.endpoint_url}\n"
        f"export AWS_ENDPOINT_URL={aws.endpoint_url} AWS_DEFAULT_REGION=us-east-1"
        " AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local"
    )


if __name__ == "__main__":  # pragma: no cover -- tests run it in a subprocess
    sys.exit(main())
