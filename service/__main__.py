"""The command line; the only module that reads the environment variables of the process."""

import argparse
import gc
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from service.commands.arguments import parser

DEFAULT_FILE = Path("config.ini")
ENDED_BY_SIGNAL = 128  # plus the signal's number: the exit status of a command that a signal ended


def main(arguments: Sequence[str]) -> int:
    """Run the command of *arguments* and return the exit status."""
    from service.startup_errors import UNUSABLE, SetupError  # noqa: PLC0415 -- see the commands

    ended_by = signal.SIGINT

    def terminate(*_: object) -> None:
        nonlocal ended_by
        ended_by = signal.SIGTERM
        signal.raise_signal(signal.SIGINT)  # which asyncio turns into an orderly end

    # As process 1 of a container, Python ignores SIGTERM until the server handles it. A background
    # process of a script inherits an ignored SIGINT, which asyncio leaves ignored.
    signal.signal(signal.SIGTERM, terminate)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    options = parser(RUNS).parse_args(arguments)
    file = options.config or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    try:
        status: int | None = options.run(options, file)
    except SetupError as error:
        print(error, file=sys.stderr)  # noqa: T201 -- the command line speaks to a person
        return UNUSABLE
    except KeyboardInterrupt:
        return ENDED_BY_SIGNAL + ended_by
    return status or 0


# Each command imports its own module: `serve` must not load the local AWS, and `--help` loads nothing.


def _serve(_: argparse.Namespace, file: Path | None) -> None:
    from service.commands import serve  # noqa: PLC0415 -- see above
    from service.config import loader  # noqa: PLC0415 -- see above

    config = loader.load(file, os.environ)
    serve.run(config, os.environ, loader.sources(file, os.environ))


def _local(options: argparse.Namespace, file: Path | None) -> None:
    from service.commands import local  # noqa: PLC0415 -- see above

    environ = dict(os.environ)
    for name in environ:  # so that no profile, proxy or endpoint of a real account is used
        if name.startswith("AWS_") or name.lower() in ("http_proxy", "https_proxy", "all_proxy"):
            del os.environ[name]
    os.environ |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    chosen = local.Options(data=options.data, fresh=options.fresh, aws_port=options.aws_port)
    local.run(file, environ, chosen)


def _setup(options: argparse.Namespace, file: Path | None) -> None:
    from service.commands import setup  # noqa: PLC0415 -- see above

    wanted = setup.Wanted(
        user_pool=options.user_pool,
        passkeys_of=options.passkeys_of,
        domain=options.domain,
        redirect_uris=tuple(options.redirect_uri),
        stand_in_providers=options.stand_in_providers,
        sessions=options.sessions,
        srp=options.srp,
        machine_client=options.resource_server,
        table_stream=options.table_stream,
    )
    setup.run(file, os.environ, wanted, write=options.write, wait_s=options.wait_s)


def _doctor(options: argparse.Namespace, file: Path | None) -> int:
    from service.commands import doctor  # noqa: PLC0415 -- see above

    return doctor.run(file, os.environ, as_json=options.json)


def _smoke(options: argparse.Namespace, file: Path | None) -> int:
    from service.commands import smoke  # noqa: PLC0415 -- see above

    return smoke.run(
        options.url, file, os.environ, create_user=options.create_user, as_json=options.json
    )


RUNS = {"serve": _serve, "local": _local, "setup": _setup, "doctor": _doctor, "smoke": _smoke}

if __name__ == "__main__":
    status = main(sys.argv[1:])
    # Destroying the objects of botocore and moto one by one would take seconds.
    gc.freeze()
    sys.exit(status)
