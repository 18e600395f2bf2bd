"""`python -m tests_slow.linearizability`: the linearizability check, for as long as --seconds says."""

import argparse
import asyncio
import os
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_aws.outbox import Delivery
from local_aws.server import local_aws
from service.aws.clients import open_clients
from service.commands import table_setup
from service.config.settings import Config
from tests.support.configs import CREDENTIALS, configured
from tests_slow.linearizability.run import Plan, Report, run

DURATION_S = 60.0
TIMEOUT_S = 0.6  # short, so that what comes late is often late
MOTO_TIMEOUT_S = 2.0  # moto serves one call at a time, some of which take a tenth of a second


def _silently(_: Delivery) -> None:
    """Discard a code."""


@contextmanager
def _dynamodb() -> Iterator[tuple[str, float]]:
    """Open TEST_DYNAMODB_URL, or the embedded one; with the seconds that a reply may take."""
    given = os.environ.get("TEST_DYNAMODB_URL")
    if given is not None:
        yield given, TIMEOUT_S
        return
    with local_aws(announce=_silently) as local:
        yield local.endpoint_url, MOTO_TIMEOUT_S


async def _run(plan: Plan, config: Config, folder: Path) -> Report:
    async with open_clients(config, CREDENTIALS) as clients:
        await table_setup.create_table(
            clients.dynamodb.aioboto3, config.dynamodb.user_profile_table
        )
    return await run(plan, config, folder)


def main() -> int:
    """Run the check; 0 where the history of every profile is linearizable."""
    parser = argparse.ArgumentParser(
        prog="python -m tests_slow.linearizability", description=__doc__
    )
    parser.add_argument("--seconds", type=float, default=DURATION_S)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--users", type=int, default=4, help="at once")
    parser.add_argument("--callers", type=int, default=5, help="of each user")
    given = parser.parse_args()
    with _dynamodb() as (url, read_timeout_s), tempfile.TemporaryDirectory() as folder:
        table = f"linearizability-{uuid.uuid4().hex}"
        # The checks at the start fetch the public keys, which DynamoDB Local does not have.
        config = configured(
            {
                "aws.cognito": {"endpoint-url": url},
                "aws.dynamodb": {"endpoint-url": url, "user-profile-table": table},
            }
        )
        plan = Plan(
            duration_s=given.seconds,
            read_timeout_s=read_timeout_s,
            seed=given.seed,
            processes=given.processes,
            users=given.users,
            callers=given.callers,
        )
        report = asyncio.run(_run(plan, config, Path(folder)))
    sys.stdout.write(f"{report}\n")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
