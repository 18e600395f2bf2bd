"""Trying again: by botocore's own rules, but sooner, and only as long as it helps."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from aiobotocore.retries.standard import (
    AioRetryHandler,
    AioRetryPolicy,
    AioStandardRetryConditions,
)
from botocore.retries.quota import RetryQuota
from botocore.retries.standard import (
    ExponentialBackoff,
    RetryContext,
    RetryEventAdapter,
    RetryQuotaChecker,
)

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
# Where three replies in ten are lost, one call in forty loses three in a row, and one in 15,000 eight.
MOST_LOST: Final = 8
# Of the first that was lost: so late an upstream that hangs has been asked three times.
LOST_WITHIN_S: Final = 4.0


class RetryBudget(RetryQuotaChecker):
    """Takes what a retry costs, and what calls earn."""

    _NO_RETRY_INCREMENT = EARNED


class Conditions(AioStandardRetryConditions):
    """Those of botocore; replies that are soon lost are asked for more often than *attempts*."""

    def __init__(self, *, attempts: int) -> None:
        super().__init__(max_attempts=attempts)
        self._of_lost_replies = AioStandardRetryConditions(max_attempts=max(attempts, MOST_LOST))

    async def is_retryable(self, context: RetryContext) -> bool:  # type: ignore[override]  # aiobotocore's
        """Tell whether a call that failed is worth another attempt."""
        now_s = time.monotonic()
        first_s: float = context.request_context.setdefault("first_failure_s", now_s)
        is_lost = context.caught_exception is not None and now_s - first_s < LOST_WITHIN_S
        conditions: Any = self._of_lost_replies if is_lost else super()
        return bool(await conditions.is_retryable(context))


def quota() -> RetryQuota:
    """Return what an upstream's retries are paid from."""
    return RetryQuota(CAPACITY)


def ignore_retry() -> None:
    """Tell nobody of a retry."""


def attach(
    client: AioBaseClient, *, attempts: int, on_retry: Callable[[], None] = ignore_retry
) -> None:
    """
    Put botocore's standard retries with our quota and pauses in the place of those of *client*.

    A call is made *attempts* times, or MOST_LOST times where its reply is lost again and again.
    *on_retry* is told of each attempt beyond the first of a call.
    """
    events: Any = client.meta.events
    service = client.meta.service_model.service_id.hyphenize()
    checker: Any = RetryBudget(quota())  # the stubs know the quota alone here
    backoff: Any = ExponentialBackoff(max_backoff=LONGEST_PAUSE_S)  # type: ignore[arg-type]  # or a float
    handler = AioRetryHandler(
        retry_policy=AioRetryPolicy(
            retry_checker=Conditions(attempts=attempts),
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
