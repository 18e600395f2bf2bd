"""What a deployment answers without an identity, and by which protocol."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from service.deployment_checks.results import CheckResult, NamedCheck
from service.deployment_checks.smoke.deployment import (
    Deployment,
    Unreachable,
    is_this_machine,
)

READY: Final = NamedCheck(6, "ready")
AUTH_CONFIG: Final = NamedCheck(6, "sign-in configuration")
NO_METRICS: Final = NamedCheck(6, "no metrics")
HTTPS: Final = NamedCheck(6, "http to https")
REDIRECTS: Final = (301, 302, 307, 308)
HTTPS_PORT: Final = 443


async def check_ready(deployment: Deployment) -> CheckResult:
    """Return whether the deployment is ready."""
    answer = await deployment.call("GET", "/health/ready")
    if answer.status == HTTPStatus.OK:
        return READY.ok("200 /health/ready")
    errors = answer.body.get("errors", [])
    failing = ", ".join(
        f"{error.get('field')}: {error.get('message')}"
        for error in errors
        if isinstance(error, dict)
    )
    return READY.wrong(
        f"{answer} /health/ready {failing[:300]}".strip(),
        "Run `python -m service doctor`; `check_failed` in the log says more.",
    )


async def check_auth_config(deployment: Deployment) -> CheckResult:
    """Return whether front ends learn how users sign in."""
    answer = await deployment.call("GET", "/api/auth/config")
    if answer.status == HTTPStatus.OK:
        return AUTH_CONFIG.ok("200 /api/auth/config")
    return answer.unexpected(
        AUTH_CONFIG, "200 /api/auth/config", "Let the load balancer forward /api/*."
    )


async def check_no_metrics(deployment: Deployment) -> CheckResult:
    """Return whether the metrics are out of reach."""
    answer = await deployment.call("GET", "/metrics")
    if answer.status == HTTPStatus.OK:
        return NO_METRICS.wrong(
            "200 /metrics: anyone can read the metrics",
            "Do not forward to SERVER_METRICS_PORT from the load balancer.",
        )
    return NO_METRICS.ok(f"{answer} /metrics")


async def check_https(deployment: Deployment, *, http_port: int = 80) -> CheckResult:
    """Return whether passwords and tokens travel by HTTPS alone; HTTP is tried at *http_port*."""
    url = deployment.url
    if url.scheme == "http":
        if is_this_machine(url):
            return HTTPS.ok("plain HTTP, on this machine")
        return HTTPS.wrong(
            f"{url.origin()} is not encrypted: passwords and tokens can be read on the way.",
            "Serve by HTTPS, and redirect from HTTP.",
        )
    if url.port != HTTPS_PORT:
        return HTTPS.unknown("another port than 443", optional=True)
    try:
        answer = await deployment.call(
            "GET", "/health/live", url=url.with_scheme("http").with_port(http_port)
        )
    except Unreachable:
        return HTTPS.ok("nothing answers by HTTP")
    location = answer.headers.get("Location", "")
    if answer.status in REDIRECTS and location.startswith("https://"):
        return HTTPS.ok(f"{answer.status} to https")
    return HTTPS.wrong(
        f"{answer} by HTTP: passwords and tokens can be read on the way.",
        "Let the listener of port 80 redirect to HTTPS (301).",
    )
