"""The rate limit of calls by other services."""

import pytest

from service.domain.errors import TooManyAttempts
from service.observability.metrics.catalogue import Metrics
from service.rate_limiting.service_limits import ServiceLimits
from tests.observability.metrics.samples import samples_of
from tests.support.clock import Clock
from tests.support.configs import configured


def limits(burst: str, per_s: str, clock: Clock, metrics: Metrics) -> ServiceLimits:
    """Return the limits of two clients."""
    services = {"clients": "a b", "client-burst": burst, "client-per-s": per_s}
    return ServiceLimits(configured({"services": services}).services, clock=clock, metrics=metrics)


def test_client_beyond_its_limit_waits_alone() -> None:
    """Each client has a bucket of its own, whose refusals are counted."""
    clock, metrics = Clock(), Metrics()
    limited = limits("2", "0.5", clock, metrics)
    limited.admit("a")
    limited.admit("a")

    with pytest.raises(TooManyAttempts) as caught:
        limited.admit("a")

    assert caught.value.retry_after_s == 2
    limited.admit("b")
    clock.now += 2
    limited.admit("a")
    refused = samples_of(metrics)
    assert refused['limiter_refusals_total{kind="service",limit="client"}'] == 1


@pytest.mark.parametrize(("burst", "per_s"), [("0", "1"), ("1", "0")])
def test_zero_is_no_limit(burst: str, per_s: str) -> None:
    """With a burst or a rate of 0, every call is admitted."""
    limited = limits(burst, per_s, Clock(), Metrics())
    for _ in range(3):
        limited.admit("a")
