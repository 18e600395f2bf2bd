"""The command line of the User Profile Service; the only reader of the process's environment."""

import argparse
import gc
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

DEFAULT_FILE = Path("config.ini")
ENDED_BY_SIGNAL = 128  # exit status of a program that a signal ended, less the signal's number


def main(arguments: Sequence[str]) -> int:
    """Run the command that *arguments* name and return the exit status."""
    from service.startup_errors import UNUSABLE, SetupError  # noqa: PLC0415 -- see the commands

    ended_by = signal.SIGINT

    def terminate(*_: object) -> None:
        nonlocal ended_by
        ended_by = signal.SIGTERM
        signal.raise_signal(signal.SIGINT)  # which asyncio turns into an orderly end

    # As process 1 of a container, Python would not hear SIGTERM before the server listens for it; and
    # what a script starts in its background inherits a SIGINT that is ignored, and asyncio leaves it so.
    signal.signal(signal.SIGTERM, terminate)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    options = parser().parse_args(arguments)
    file = options.config or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    try:
        options.run(options, file)
    except SetupError as error:
        print(error, file=sys.stderr)  # noqa: T201 -- the command line speaks to a person
        return UNUSABLE
    except KeyboardInterrupt:
        return ENDED_BY_SIGNAL + ended_by
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    root = argparse.ArgumentParser(prog="python -m service", description=__doc__)
    root.add_argument(
        "--config", type=Path, metavar="FILE", help="settings (default: config.ini, if it is there)"
    )
    root.set_defaults(run=_serve)
    commands = root.add_subparsers(title="commands")
    serve = commands.add_parser("serve", help="serve what the configuration says (the default)")
    serve.set_defaults(run=_serve)
    local = commands.add_parser("local", help="serve in front of a local AWS that it brings along")
    local.set_defaults(run=_local)
    setup = commands.add_parser("setup", help="create the table, and if asked pool and client")
    setup.set_defaults(run=_setup)
    setup.add_argument("--user-pool", metavar="NAME", help="create this user pool and its client")
    setup.add_argument(
        "--passkeys-of",
        metavar="DOMAIN",
        help="let users of a new pool sign in by passkey on pages of this domain, or by e-mailed code",
    )
    setup.add_argument("--write", type=Path, metavar="FILE", help="write the ids there as settings")
    setup.add_argument(
        "--wait-s", type=float, default=60.0, help="seconds to wait for the servers (%(default)s)"
    )
    return root


# Each command imports its own module: `serve` must not load the local AWS, nor `--help` anything.


def _serve(_: argparse.Namespace, file: Path | None) -> None:
    from service.commands import serve  # noqa: PLC0415 -- see above
    from service.config import loader  # noqa: PLC0415 -- see above

    serve.run(loader.load(file, os.environ))


def _local(_: argparse.Namespace, file: Path | None) -> None:
    from service.commands import local  # noqa: PLC0415 -- see above

    environ = dict(os.environ)
    for name in environ:  # the profile, proxy or endpoint of a real account must not get in between
        if name.startswith("AWS_") or name.lower() in ("http_proxy", "https_proxy", "all_proxy"):
            del os.environ[name]
    os.environ |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    local.run(file, environ)


def _setup(options: argparse.Namespace, file: Path | None) -> None:
    from service.commands import setup  # noqa: PLC0415 -- see above

    pool = (
        None
        if options.user_pool is None
        else setup.UserPool(options.user_pool, options.passkeys_of)
    )
    setup.run(
        file,
        os.environ,
        user_pool=pool,
        write=options.write,
        wait_s=options.wait_s,
    )


if __name__ == "__main__":
    status = main(sys.argv[1:])
    # Nothing is left to do, and taking apart the objects of botocore and moto takes seconds.
    gc.freeze()
    sys.exit(status)
