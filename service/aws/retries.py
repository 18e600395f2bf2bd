"""botocore's standard retries with shorter pauses, another quota and more attempts for lost responses."""

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
    from collections.abc import Callable, Mapping

    from aiobotocore.client import AioBaseClient
    from botocore.model import OperationModel

    from service.aws.http_session import Response

# In botocore a retry costs 5 units, or 10 after a timeout, which its success returns; the quota is 500
# units, a hundred retries of an upstream that is down, and a call without a retry earns 1. Here such a
# call earns a whole retry: with three responses in ten lost, every call still succeeds.
CAPACITY: Final = 100
COST: Final = 5
EARNED: Final = 5
LONGEST_PAUSE_S: Final = 0.3  # botocore pauses up to 2 s, a quarter of a request's deadline
# With three responses in ten lost, one call in 40 loses three in a row, and one in 15,000 eight.
MAX_LOST_RESPONSES: Final = 8
# Since the first failure of a call. An upstream that hangs has then had three attempts.
LOST_WITHIN_S: Final = 4.0


class RetryBudget(RetryQuotaChecker):
    """botocore's accounting of retries with EARNED units for a call without a retry."""

    _NO_RETRY_INCREMENT = EARNED


class _Conditions(AioStandardRetryConditions):
    """botocore's conditions; a call whose responses are lost soon gets more than *attempts*."""

    def __init__(self, *, attempts: int) -> None:
        super().__init__(max_attempts=attempts)
        self._after_lost_responses = AioStandardRetryConditions(
            max_attempts=max(attempts, MAX_LOST_RESPONSES)
        )

    async def is_retryable(self, context: RetryContext) -> bool:  # type: ignore[override]  # a coroutine in aiobotocore
        """Return whether to retry the call."""
        now_s = time.monotonic()
        first_s: float = context.request_context.setdefault("first_failure_s", now_s)
        is_lost = context.caught_exception is not None and now_s - first_s < LOST_WITHIN_S
        conditions: Any = self._after_lost_responses if is_lost else super()
        return bool(await conditions.is_retryable(context))


class Retries:
    """
    The retries of one client, which share a quota.

    A call has at most *attempts* attempts, or MAX_LOST_RESPONSES where no response arrives. *on_retry*
    is called before each attempt after the first.
    """

    def __init__(self, *, attempts: int, on_retry: Callable[[], None]) -> None:
        backoff: Any = ExponentialBackoff(max_backoff=LONGEST_PAUSE_S)  # type: ignore[arg-type]  # or a float
        budget: Any = RetryBudget(quota())  # the stubs expect a RetryQuota
        self._budget = budget
        self._on_retry = on_retry
        self._handler = AioRetryHandler(
            retry_policy=AioRetryPolicy(
                retry_checker=_Conditions(attempts=attempts), retry_backoff=backoff
            ),
            retry_event_adapter=RetryEventAdapter(),
            retry_quota=budget,
        )

    def attach(self, client: AioBaseClient) -> None:
        """Replace the standard retries of *client*."""
        events: Any = client.meta.events
        service = client.meta.service_model.service_id.hyphenize()
        botocores_id = f"retry-config-{service}"
        events.unregister(f"needs-retry.{service}", unique_id=botocores_id)
        events.register(f"needs-retry.{service}", self._needs_retry, unique_id=botocores_id)
        events.register(f"after-call.{service}", self._budget.release_retry_quota)

    async def pause_s(
        self,
        model: OperationModel,
        attempt: int,
        context: dict[str, Any],
        received: tuple[Response, Mapping[str, Any]] | None = None,
        *,
        failure: Exception | None = None,
    ) -> float | None:
        """
        Return the pause before the next attempt of a call, or None to make none.

        *received* is the response and what was parsed from it; *context* keeps state between attempts.
        """
        return await self._needs_retry(
            response=received,
            operation=model,
            attempts=attempt,
            caught_exception=failure,
            request_dict={"context": context},
        )

    def release(self, context: Mapping[str, Any], response: Response) -> None:
        """Return to the quota what a call took from it, if the call succeeded."""
        self._budget.release_retry_quota(context=context, http_response=response)

    async def _needs_retry(self, **event: Any) -> float | None:  # noqa: ANN401 -- botocore's
        pause_s: float | None = await self._handler.needs_retry(**event)
        if pause_s is not None:
            self._on_retry()
        return pause_s


def quota() -> RetryQuota:
    """Return a new quota of retries, which is full."""
    return RetryQuota(CAPACITY)


def ignore_retry() -> None:
    """Do nothing about a retry."""
