"""The options of `setup`."""

import argparse
import math
from pathlib import Path


def seconds(text: str) -> float:
    """Return a finite time of at least 0; raises ValueError."""
    value = float(text)
    if not 0 <= value < math.inf:
        raise ValueError
    return value


def add_options(setup: argparse.ArgumentParser) -> None:
    """Add the options that say what `setup` creates."""
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
