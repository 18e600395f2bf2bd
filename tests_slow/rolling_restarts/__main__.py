"""`python -m tests_slow.rolling_restarts`: rolling restarts, as many as --restarts says."""

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
from tests_slow.rolling_restarts.run import Plan, Report, run


def _silently(_: Delivery) -> None:
    """Discard a code."""


@contextmanager
def _upstreams() -> Iterator[tuple[str, str]]:
    """Open Cognito, which has the public keys, and DynamoDB: TEST_DYNAMODB_URL, or the embedded one."""
    with local_aws(announce=_silently) as local:
        yield local.endpoint_url, os.environ.get("TEST_DYNAMODB_URL", local.endpoint_url)


async def _run(plan: Plan, config: Config, folder: Path) -> Report:
    async with open_clients(config, CREDENTIALS) as clients:
        await table_setup.create_table(
            clients.dynamodb.aioboto3, config.dynamodb.user_profile_table
        )
    return await run(plan, config, folder)


def main() -> int:
    """Run the restarts; 0 where no request was lost."""
    parser = argparse.ArgumentParser(
        prog="python -m tests_slow.rolling_restarts", description=__doc__
    )
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--drain-s", type=float, default=2.0)
    parser.add_argument("--pause-s", type=float, default=0.2, help="of a client, at most")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    plan = Plan(
        restarts=given.restarts,
        clients=given.clients,
        drain_s=given.drain_s,
        seed=given.seed,
        pause_s=given.pause_s,
    )
    with _upstreams() as (cognito, dynamodb), tempfile.TemporaryDirectory() as folder:
        table = f"restarts-{uuid.uuid4().hex}"
        config = configured(
            {
                "aws.cognito": {"endpoint-url": cognito},
                "aws.dynamodb": {"endpoint-url": dynamodb, "user-profile-table": table},
            }
        )
        report = asyncio.run(_run(plan, config, Path(folder)))
    sys.stdout.write(f"{report}\n")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
