"""The rules of the settings in `[limits]`."""

import math
from collections.abc import Mapping
from typing import Final

from service.config.settings import LimitsConfig
from service.rate_limiting.keyed_limits import Rule, SlidingHour, TokenBucket
from service.rate_limiting.limited_actions import Quota, RateLimitedAction

# The share of a total burst that one address may use.
ADDRESS_SHARE: Final = 1 / 10


def total_rates(limits: LimitsConfig) -> Mapping[Quota, float]:
    """Return the calls per second of all callers together; 0 is no limit."""
    return {
        Quota.SIGN_IN: limits.sign_in_per_s,
        Quota.CHALLENGE: limits.sign_in_per_s * 3,
        Quota.SIGN_UP: limits.sign_up_per_s,
        Quota.RECOVERY: limits.recovery_per_s,
        Quota.TOKEN: limits.token_per_s,
        Quota.READ: limits.read_per_s,
        Quota.UPDATE: limits.update_per_s,
    }


def total_rules(limits: LimitsConfig) -> Mapping[Quota, Rule]:
    """Return the rules for all callers together."""
    rules = {
        quota: token_bucket(math.ceil(rate * limits.burst_s), rate)
        for quota, rate in total_rates(limits).items()
    }
    return {quota: rule for quota, rule in rules.items() if rule is not None}


def address_rules(limits: LimitsConfig) -> Mapping[Quota, Rule]:
    """Return the rules for one address, with at most ADDRESS_SHARE of the total burst."""
    rules = {
        quota: token_bucket(_address_burst(limits, rate), limits.address_per_s)
        for quota, rate in total_rates(limits).items()
    }
    return {quota: rule for quota, rule in rules.items() if rule is not None}


def _address_burst(limits: LimitsConfig, total_per_s: float) -> int:
    if total_per_s == 0 or limits.address_burst == 0:
        return limits.address_burst
    return min(limits.address_burst, math.ceil(total_per_s * limits.burst_s * ADDRESS_SHARE))


def account_rules(limits: LimitsConfig) -> Mapping[RateLimitedAction, Rule]:
    """Return the rules for one account name, of exports for one `sub`."""
    attempts = token_bucket(limits.account_burst, limits.account_per_min / 60)
    rules = {
        RateLimitedAction.SIGN_UP: attempts,
        RateLimitedAction.SIGN_IN: attempts,
        RateLimitedAction.BEGIN: attempts,
        RateLimitedAction.CHALLENGE: attempts,
        RateLimitedAction.CODE_CHALLENGE: attempts,
        RateLimitedAction.PASSWORD_CHALLENGE: attempts,
        RateLimitedAction.CONFIRM: sliding_hour(limits.confirm_per_h),
        RateLimitedAction.RESEND: sliding_hour(limits.resend_per_h),
        RateLimitedAction.FORGOT: sliding_hour(limits.forgot_per_h),
        RateLimitedAction.RESET: sliding_hour(limits.reset_per_h),
        RateLimitedAction.EXPORT: sliding_hour(limits.export_per_h),
    }
    return {action: rule for action, rule in rules.items() if rule is not None}


def token_bucket(burst: int, per_s: float) -> Rule | None:
    """Return a token bucket, or None if *burst* or *per_s* is 0."""
    return TokenBucket(burst=burst, per_s=per_s) if burst > 0 and per_s > 0 else None


def sliding_hour(most: int) -> Rule | None:
    """Return a rule of *most* calls in any hour, or None for 0."""
    return SlidingHour(most) if most > 0 else None
