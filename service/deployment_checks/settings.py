"""Settings that are valid and yet unsafe in most deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.deployment_checks.results import CheckResult, ok, wrong

if TYPE_CHECKING:
    from service.config.settings import Config

STEP: Final = 5
NAME: Final = "identity sources"


def check_settings(config: Config) -> list[CheckResult]:
    """Return whether the settings let other machines name the user without proof."""
    identity = config.identity
    remote = [str(peers) for peers in identity.header_peers if not peers.is_loopback]
    sources = " ".join(identity.sources)
    settings = ok(STEP, "settings", f"region {config.aws.region}, {config.cognito.user_pool_id}")
    if "header" in identity.sources and remote:
        return [
            settings,
            wrong(
                STEP,
                NAME,
                f"sources = {sources}: x-amzn-oidc-identity is believed without proof from "
                f"{' '.join(remote)}. Behind a load balancer every client can name any user.",
                "Set IDENTITY_SOURCES=bearer, or IDENTITY_SOURCES='alb bearer' with IDENTITY_ALB_ARN; or "
                "set IDENTITY_HEADER_PEERS='127.0.0.0/8 ::1/128'.",
            ),
        ]
    return [settings, ok(STEP, NAME, f"sources = {sources}")]
