"""Times repeated token checks inside the service, without HTTP."""

import asyncio
import json
import os
import sys
import time
from typing import Final

import uvloop

from service.authentication.sources import identity_adapters
from service.aws.clients import open_clients
from service.aws.session import Credentials
from service.config import loader
from service.domain.identity import Authenticator, RequestCredentials
from service.observability.metrics.catalogue import Metrics
from service.observability.upstream_calls import UpstreamTelemetry

CHECKS: Final = 20_000
TRIES: Final = 9  # the minimum is taken: the rest is noise of the machine


async def check_us(source: Authenticator, credentials: RequestCredentials) -> float:
    """Return the microseconds of a check of a token that was verified before."""
    await source.identify(credentials)
    quickest_s = float("inf")
    for _ in range(TRIES):
        started = time.perf_counter()
        for _ in range(CHECKS):
            await source.identify(credentials)
        quickest_s = min(quickest_s, time.perf_counter() - started)
        await asyncio.sleep(0)
    return quickest_s * 1_000_000 / CHECKS


async def main(authorization: str, data: str, sub: str) -> None:
    """Print the microseconds by source, as one line of JSON; the settings come from the environment."""
    credentials = RequestCredentials(
        peer=None, authorization=(authorization,), oidc_data=(data,), oidc_identity=(sub,)
    )
    config = loader.load(None, os.environ)
    async with (
        open_clients(config, Credentials("bench", "bench")) as clients,
        identity_adapters(config, UpstreamTelemetry(Metrics()), clients.keys) as identity,
    ):
        times = {source.name: await check_us(source, credentials) for source in identity.sources}
    print(json.dumps(times))  # noqa: T201 -- whoever starts it reads this


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
