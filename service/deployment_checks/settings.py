"""Settings that are valid, and yet unsafe in most deployments or without what they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.deployment_checks.profile_schema import profile_schema
from service.deployment_checks.results import CheckResult, NamedCheck
from service.startup_errors import SchemaUnusable

if TYPE_CHECKING:
    from service.config.settings import Config

SETTINGS: Final = NamedCheck(5, "settings")
SOURCES: Final = NamedCheck(5, "identity sources")
SCHEMA: Final = NamedCheck(5, "profile schema")


def check_settings(config: Config) -> list[CheckResult]:
    """Return whether the schema can be used, and other machines cannot name the user without proof."""
    identity = config.identity
    remote = [str(peers) for peers in identity.header_peers if not peers.is_loopback]
    sources = " ".join(identity.sources)
    checked = [
        SETTINGS.ok(f"region {config.aws.region}, {config.cognito.user_pool_id}"),
        _schema(config.profile.schema),
    ]
    if "header" in identity.sources and remote:
        return [
            *checked,
            SOURCES.wrong(
                f"sources = {sources}: x-amzn-oidc-identity is believed without proof from "
                f"{' '.join(remote)}. Behind a load balancer every client can name any user.",
                "Set IDENTITY_SOURCES=bearer, or IDENTITY_SOURCES='alb bearer' with IDENTITY_ALB_ARN; or "
                "set IDENTITY_HEADER_PEERS='127.0.0.0/8 ::1/128'.",
            ),
        ]
    return [*checked, SOURCES.ok(f"sources = {sources}")]


def _schema(name: str) -> CheckResult:
    try:
        schema = profile_schema(name)
    except SchemaUnusable as error:
        advice = "Correct PROFILE_SCHEMA or the schema; install its package where the service runs."
        return SCHEMA.wrong(str(error), advice)
    return SCHEMA.ok(f"{name} has {len(schema().fields)} fields")
