"""All checks of a running deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.deployment_checks.results import CheckResult, NamedCheck, Status
from service.deployment_checks.smoke import endpoints, journey, refusals
from service.deployment_checks.smoke.deployment import Deployment, Unreachable

if TYPE_CHECKING:
    from service.config.settings import Config
    from service.deployment_checks.smoke.journey import Credentials
    from service.deployment_checks.smoke.temporary_user import TemporaryUser

REACHABLE = NamedCheck(6, "reachable")
NO_USER = "Set SMOKE_USERNAME and SMOKE_PASSWORD, or use --create-user."


async def check_deployment(
    deployment: Deployment,
    *,
    config: Config | None,
    credentials: Credentials | None,
    user: TemporaryUser | None,
) -> list[CheckResult]:
    """Return the results of all checks, as far as there are answers; *user* is created and deleted."""
    results: list[CheckResult] = []
    try:
        for check in (
            endpoints.check_ready,
            endpoints.check_auth_config,
            endpoints.check_no_metrics,
            endpoints.check_https,
        ):
            results.append(await check(deployment))  # noqa: PERF401 -- those before a failure count
        if user is None:
            results += await _as_user(deployment, config, credentials, None)
        else:
            results += await _as_temporary_user(deployment, config, user)
    except Unreachable as unreachable:
        advice = "Is the URL right, is the certificate valid, are the targets healthy?"
        results.append(REACHABLE.unknown(str(unreachable), advice))
    return results


async def _as_temporary_user(
    deployment: Deployment, config: Config | None, user: TemporaryUser
) -> list[CheckResult]:
    created = await user.create()
    results = [created]
    try:
        credentials = user.credentials if created.status is Status.OK else None
        results += await _as_user(deployment, config, credentials, user)
    except Unreachable as unreachable:
        results.append(REACHABLE.unknown(str(unreachable)))
    finally:
        left = await user.remove()
    return results if left is None else [*results, left]


async def _as_user(
    deployment: Deployment,
    config: Config | None,
    credentials: Credentials | None,
    user: TemporaryUser | None,
) -> list[CheckResult]:
    if credentials is None:
        missing = [] if user is not None else [journey.LOGIN.unknown("no user", NO_USER)]
        return [*missing, *await refusals.check_refusals(deployment, config, None)]
    result, signed_in = await journey.check_login(deployment, credentials)
    if signed_in is None:
        return [result, *await refusals.check_refusals(deployment, config, None)]
    return [
        result,
        journey.check_token(signed_in, config),
        *await journey.check_profile(deployment, signed_in),
        *await refusals.check_refusals(deployment, config, signed_in),
        *([] if user is None else [await user.delete_by_itself(deployment, signed_in)]),
    ]
