"""The command line: its commands, their options and help texts."""

import argparse
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from service import DISTRIBUTION

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 -- argparse has no public name for it

Run: TypeAlias = Callable[[argparse.Namespace, Path | None], int | None]  # returns an exit status

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
CHECKING = """
exit status:
  0         nothing is wrong; what could not be checked needs more than the service has
  1         something is wrong
  2         nothing is known to be wrong, but a check could not be made; or a setting or an argument
            has to be corrected, as one message says
  130, 143  SIGINT or SIGTERM ended it
"""
DOCTOR = """
Check steps 1 to 5 of the set-up: table, user pool and app client, public keys, rights, settings.

The settings are those of `serve`, so run it with the same environment: on your machine, or in a task
of the service, with its role. With the permissions of an operator it checks more: TTL, backups, the
options of the user pool. Nothing is written, in AWS or elsewhere.

Each check is ok, wrong, or unknown. Below it is the command or the setting that corrects it.
"""
SMOKE = """
Check step 6 of the set-up, against a running deployment: sign in, create a profile, read it and delete
it; then send what must be refused, such as the identity header alone, a forged signature, an id token.

The user is that of SMOKE_USERNAME and SMOKE_PASSWORD in the environment: confirmed, without a second
factor, and best without a profile, since an existing one is read and not changed. With --create-user one
is created, without sending a message, and deleted at the end. That needs the settings of the
deployment, and AWS credentials with cognito-idp:AdminCreateUser, AdminSetUserPassword, AdminDeleteUser.

The token's issuer and app client are compared with AWS_COGNITO_USER_POOL_ID and AWS_COGNITO_CLIENT_ID,
where these are set.
"""


def parser(runs: Mapping[str, Run]) -> argparse.ArgumentParser:
    """Return the parser; *runs* has the function of each command by its name."""
    root = argparse.ArgumentParser(
        prog="python -m service",
        description=DESCRIPTION,
        epilog=SETTINGS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    _add_config(root, default=None)
    root.set_defaults(run=runs["serve"])
    commands = root.add_subparsers(title="commands", metavar="COMMAND")
    _add(commands, "serve", "serve the API (the default)", SERVE, SERVING)
    local = _add(commands, "local", "serve the API with a local AWS, to try it out", LOCAL, SERVING)
    _add_local_options(local)
    setup = _add(commands, "setup", "create what the service needs in AWS", SETUP, CREATING)
    _add_setup_options(setup)
    doctor = _add(
        commands, "doctor", "check table, user pool, rights and settings", DOCTOR, CHECKING
    )
    smoke = _add(
        commands, "smoke", "check a running deployment, as its clients see it", SMOKE, CHECKING
    )
    for check in (doctor, smoke):
        check.add_argument(
            "--json", action="store_true", help="print the report as JSON, and nothing else"
        )
    smoke.add_argument("url", metavar="URL", help="such as https://api.example.com")
    smoke.add_argument("--create-user", action="store_true", help="create a user, and delete it")
    for name, command in commands.choices.items():
        command.set_defaults(run=runs[name])
        _add_config(command, default=argparse.SUPPRESS)  # or else that before the command is lost
    return root


def _add(
    commands: "Commands", name: str, summary: str, description: str, statuses: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=statuses,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


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


def _add_local_options(local: argparse.ArgumentParser) -> None:
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


def seconds(text: str) -> float:
    """Return a finite time of at least 0; raises ValueError."""
    value = float(text)
    if not 0 <= value < math.inf:
        raise ValueError
    return value


def _add_setup_options(setup: argparse.ArgumentParser) -> None:
    setup.add_argument(
        "--user-pool", metavar="NAME", help="create this user pool and its app client, too"
    )
    setup.add_argument(
        "--passkeys-of",
        metavar="DOMAIN",
        help="let users of the new pool sign in by e-mailed code, or by passkey on pages of DOMAIN",
    )
    setup.add_argument(
        "--domain",
        metavar="PREFIX",
        help="give the new pool the sign-in pages PREFIX.auth.REGION.amazoncognito.com, or with "
        "--resource-server the pool its token endpoint",
    )
    setup.add_argument(
        "--redirect-uri",
        action="append",
        default=[],
        metavar="URI",
        help="let users return from these pages to URI; repeatable "
        "(default: [federation] redirect-uris)",
    )
    setup.add_argument(
        "--stand-in-providers",
        action="store_true",
        help="create [federation] providers in the new pool of a local AWS, where a page stands for each",
    )
    setup.add_argument(
        "--srp",
        action="store_true",
        help="let other programs sign in at the new app client by SRP: Amplify does by default",
    )
    setup.add_argument(
        "--sessions",
        action="store_true",
        help="let users list and end their sessions: the pool tracks them (not in the Lite plan)",
    )
    setup.add_argument(
        "--resource-server",
        nargs="?",
        const="services",
        metavar="CLIENT",
        help="create the resource server of [services] and an app client with which another service "
        "calls /v1/users (default name: %(const)s)",
    )
    setup.add_argument(
        "--table-stream",
        action="store_true",
        help="turn on the table's stream, from which deploy/cloudformation/events.yaml makes events",
    )
    setup.add_argument(
        "--write", type=Path, metavar="FILE", help="write the ids to FILE as settings, for --config"
    )
    setup.add_argument(
        "--wait-s",
        type=seconds,
        default=60.0,
        metavar="SECONDS",
        help="wait up to SECONDS for servers that are starting (default: %(default)s)",
    )
