"""The command lines of `doctor` and `smoke`; the commands themselves are imported when they run."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 -- argparse has no public name for it

STATUSES: Final = """
exit status:
  0         nothing is wrong; what could not be checked needs more than the service has
  1         something is wrong
  2         nothing is known to be wrong, but a check could not be made; or a setting or an argument
            has to be corrected, as one message says
  130, 143  SIGINT or SIGTERM ended it
"""
DOCTOR: Final = """
Check steps 1 to 5 of the set-up: table, user pool and app client, public keys, rights, settings.

The settings are those of `serve`, so run it with the same environment: on your machine, or in a task
of the service, with its role. With the permissions of an operator it checks more: TTL, backups, the
options of the user pool. Nothing is written, in AWS or elsewhere.

Each check is ok, wrong, or unknown. Below it is the command or the setting that corrects it.
"""
SMOKE: Final = """
Check step 6 of the set-up, against a running deployment: sign in, create a profile, read it and delete
it; then send what must be refused, such as the identity header alone, a forged signature, an id token.

The user is that of SMOKE_USERNAME and SMOKE_PASSWORD in the environment: confirmed, without a second
factor, and best without a profile, since an existing one is read and not changed. With --create-user one
is created, without sending a message, and deleted at the end. That needs the settings of the
deployment, and AWS credentials with cognito-idp:AdminCreateUser, AdminSetUserPassword, AdminDeleteUser.

The token's issuer and app client are compared with AWS_COGNITO_USER_POOL_ID and AWS_COGNITO_CLIENT_ID,
where these are set.
"""


def add_doctor(commands: "Commands") -> None:
    """Add the command `doctor`."""
    parser = _add(commands, "doctor", DOCTOR, "check table, user pool, rights and settings")
    parser.set_defaults(run=_doctor)


def add_smoke(commands: "Commands") -> None:
    """Add the command `smoke`."""
    parser = _add(commands, "smoke", SMOKE, "check a running deployment, as its clients see it")
    parser.add_argument("url", metavar="URL", help="such as https://api.example.com")
    parser.add_argument("--create-user", action="store_true", help="create a user, and delete it")
    parser.set_defaults(run=_smoke)


def _add(
    commands: "Commands", name: str, description: str, summary: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--json", action="store_true", help="print the report as JSON, and nothing else"
    )
    return parser


def _doctor(options: argparse.Namespace, file: Path | None) -> int:
    from service.commands import doctor  # noqa: PLC0415 -- `serve` and --help need not load it

    return doctor.run(file, os.environ, as_json=options.json)


def _smoke(options: argparse.Namespace, file: Path | None) -> int:
    from service.commands import smoke  # noqa: PLC0415 -- `serve` and --help need not load it

    return smoke.run(
        options.url, file, os.environ, create_user=options.create_user, as_json=options.json
    )
