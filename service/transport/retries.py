"""Trying again: by botocore's own rules, but sooner, and only as long as it helps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiobotocore.retries.standard import (
    AioRetryHandler,
    AioRetryPolicy,
    AioStandardRetryConditions,
)
from botocore.retries.quota import RetryQuota
from botocore.retries.standard import ExponentialBackoff, RetryEventAdapter, RetryQuotaChecker

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiobotocore.client import AioBaseClient

# botocore's currency: a retry costs 5, after a timeout 10, and gets it back by succeeding. It starts
# with 500, a hundred retries of an upstream that is down, and pays 1 for a call that needed none. Ours
# pays for a retry: where three replies in ten are lost, every call still comes through.
CAPACITY: Final = 100
COST: Final = 5
EARNED: Final = 5
LONGEST_PAUSE_S: Final = 0.3  # botocore pauses up to two seconds, of a request's eight


class Purse(RetryQuotaChecker):
    """Takes what a retry costs, and what calls earn."""

    _NO_RETRY_INCREMENT = EARNED


def quota() -> RetryQuota:
    """Return what an upstream's retries are paid from."""
    return RetryQuota(CAPACITY)


def untold() -> None:
    """Tell nobody of a retry."""


def attach(client: AioBaseClient, *, attempts: int, on_retry: Callable[[], None] = untold) -> None:
    """
    Put botocore's standard retries with our quota and pauses in the place of those of *client*.

    *on_retry* is told of each attempt beyond the first of a call.
    """
    events: Any = client.meta.events
    service = client.meta.service_model.service_id.hyphenize()
    checker: Any = Purse(quota())  # the stubs know the quota alone here
    backoff: Any = ExponentialBackoff(max_backoff=LONGEST_PAUSE_S)  # type: ignore[arg-type]  # or a float
    handler = AioRetryHandler(
        retry_policy=AioRetryPolicy(
            retry_checker=AioStandardRetryConditions(max_attempts=attempts),
            retry_backoff=backoff,
        ),
        retry_event_adapter=RetryEventAdapter(),
        retry_quota=checker,
    )

    async def needs_retry(**told: Any) -> float | None:  # noqa: ANN401 -- aiobotocore's own
        pause_s: float | None = await handler.needs_retry(**told)
        if pause_s is not None:
            on_retry()
        return pause_s

    ours = {"unique_id": f"retry-config-{service}"}  # botocore's name for its own
    events.unregister(f"needs-retry.{service}", **ours)
    events.register(f"needs-retry.{service}", needs_retry, **ours)
    events.register(f"after-call.{service}", checker.release_retry_quota)
