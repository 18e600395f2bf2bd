"""The command line; the only module that reads the environment variables of the process."""

import argparse
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from service import DISTRIBUTION
from service.commands import check_arguments, setup_arguments

DEFAULT_FILE = Path("config.ini")
DATA = Path(".local")
DESCRIPTION = """\
Serves accounts in Amazon Cognito and profiles in DynamoDB as one HTTP API.
"""
SETTINGS = """\
settings:
  Every setting is in config.ini; an environment variable overrides it: its
  section and key in upper case, with _ for . and -. These must be set:

  AWS_REGION                  such as ap-south-1
  AWS_COGNITO_USER_POOL_ID    such as ap-south-1_AbCdEfGhI
  AWS_COGNITO_CLIENT_ID       the id of the pool's app client

exit status: see COMMAND --help; 2 if a setting or an argument has to be corrected
"""
SERVING = """\
exit status:
  0         after SIGTERM or SIGINT
  2         a setting, an argument, an address or a folder has to be corrected, as one message says
  130, 143  SIGINT or SIGTERM ended it before it served
"""
CREATING = """\
exit status:
  0         everything exists
  2         a setting, an argument or a permission has to be corrected, or AWS does not respond, as
            one message says
  130, 143  SIGINT or SIGTERM ended it; run it again
"""
ENDED_BY_SIGNAL = 128  # plus the signal's number: the exit status of a command that a signal ended


SERVE = """\
Serves the API until SIGTERM or SIGINT. GET /health/ready is 503 while it cannot
serve. On a signal it finishes the requests in flight ([server] drain-s).
"""
LOCAL = """\
Serves the API on localhost with a local Cognito, DynamoDB and load balancer, and
prints commands to try it. Accounts and profiles are kept in a folder. SERVER_PORT
is the port of the API, the next one that of the load balancer if it is free.
"""
SETUP = """\
Creates the table unless it exists, and turns on its time to live. With options it
also creates a user pool, app clients and a domain, and prints their ids as settings.
It may be run again. It needs more permissions than the service: see
docs/deployment.md.
"""


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
    options = parser().parse_args(arguments)
    file = options.config or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    try:
        status: int | None = options.run(options, file)
    except SetupError as error:
        print(error, file=sys.stderr)  # noqa: T201 -- the command line speaks to a person
        return UNUSABLE
    except KeyboardInterrupt:
        return ENDED_BY_SIGNAL + ended_by
    return status or 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    root = argparse.ArgumentParser(
        prog="python -m service",
        description=DESCRIPTION,
        epilog=SETTINGS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    _add_config(root, default=None)
    root.set_defaults(run=_serve)
    commands = root.add_subparsers(title="commands", metavar="COMMAND")
    _command(commands, "serve", _serve, "serve the API (the default)", SERVE, SERVING)
    local = _command(
        commands, "local", _local, "serve the API with a local AWS, to try it out", LOCAL, SERVING
    )
    local.add_argument(
        "--data",
        type=Path,
        default=DATA,
        metavar="FOLDER",
        help="keep accounts and profiles in FOLDER (default: %(default)s)",
    )
    local.add_argument(
        "--fresh", action="store_true", help="remove what is kept in FOLDER at the start"
    )
    local.add_argument(
        "--aws-port",
        type=int,
        metavar="PORT",
        help="port of the local AWS (default: the second after that of the API if it is free)",
    )
    setup = _command(
        commands, "setup", _setup, "create what the service needs in AWS", SETUP, CREATING
    )
    setup_arguments.add_options(setup)
    check_arguments.add_doctor(commands)
    check_arguments.add_smoke(commands)
    for command in commands.choices.values():
        _add_config(command, default=argparse.SUPPRESS)  # or else that before the command is lost
    return root


def _add_config(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        default=default,
        metavar="FILE",
        help="read settings from FILE (default: ./config.ini if it exists)",
    )


class _Version(argparse.Action):
    """Prints the version; importing what knows it takes time that no other command should."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version  # noqa: PLC0415 -- see above

        print(DISTRIBUTION, version(DISTRIBUTION))  # noqa: T201 -- the command line speaks to a person
        parser.exit()


def _command(  # noqa: PLR0913, PLR0917 -- what a command has
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[argparse.Namespace, Path | None], None],
    summary: str,
    description: str,
    statuses: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=statuses,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    return command


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


if __name__ == "__main__":
    status = main(sys.argv[1:])
    # Destroying the objects of botocore and moto one by one would take seconds.
    gc.freeze()
    sys.exit(status)
