"""The rate limit of calls by other services."""

import math
from collections.abc import Callable

from service.config.settings import ServicesConfig
from service.domain.errors import TooManyAttempts
from service.observability.metrics.catalogue import Metrics
from service.rate_limiting.keyed_limits import KeyedLimits
from service.rate_limiting.limit_rules import token_bucket


class ServiceLimits:
    """A token bucket for each client of *services*; *clock* returns monotonic seconds."""

    def __init__(
        self, services: ServicesConfig, *, clock: Callable[[], float], metrics: Metrics
    ) -> None:
        rule = token_bucket(services.client_burst, services.client_per_s)
        capacity = max(1, len(services.clients))
        self._limits = None if rule is None else KeyedLimits(rule, capacity=capacity)
        self._clock = clock
        self._metrics = metrics

    def admit(self, client_id: str) -> None:
        """Count a call; raises TooManyAttempts."""
        if self._limits is None:
            return
        check = self._limits.check(client_id.encode(), int(self._clock() * 1_000))
        if check.decision.wait_ms > 0:
            self._metrics.limit_refused("client", "service")
            raise TooManyAttempts(retry_after_s=math.ceil(check.decision.wait_ms / 1_000))
        self._limits.count(check)
