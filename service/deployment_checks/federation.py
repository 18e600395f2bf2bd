"""The domain of the user pool and what its app client allows, compared with `[federation]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from service.deployment_checks.results import CheckResult, NamedCheck

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from service.config.settings import Config

DOMAIN: Final = NamedCheck(2, "user pool domain")
IN_CONSOLE: Final = (
    "in the console of Cognito, under App clients, Login pages: the AWS CLI's `update-user-pool-client` "
    "resets every option that is not repeated in the call."
)
# The settings of `[federation]`, and the options of an app client that must allow their values.
OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "redirect-uris": ("CallbackURLs", "LogoutURLs"),
    "scopes": ("AllowedOAuthScopes",),
    "providers": ("SupportedIdentityProviders",),
}


def domain_results(pool: Mapping[str, Any], config: Config) -> list[CheckResult]:
    """Return whether the configured domain is the pool's; nothing without a domain."""
    url = config.federation.domain
    if url is None:
        return []
    host = urlsplit(url).hostname or ""
    prefix, custom = pool.get("Domain"), pool.get("CustomDomain")
    if not prefix and not custom:
        return [
            DOMAIN.wrong(
                "The user pool has no domain.",
                "Create one:\n"
                f"aws cognito-idp create-user-pool-domain --region {config.aws.region} "
                f"--user-pool-id {config.cognito.user_pool_id} --domain PREFIX",
            )
        ]
    is_the_pools = host == custom or (bool(prefix) and host.startswith(f"{prefix}.auth"))
    if is_the_pools or config.cognito.endpoint_url is not None:
        return [DOMAIN.ok(host)]
    found = " and ".join(name for name in (prefix, custom) if name)
    return [
        DOMAIN.wrong(
            f"{host} is not a domain of the user pool, which has {found}.",
            "Set FEDERATION_DOMAIN to a domain of this user pool.",
        )
    ]


def client_problems(client: Mapping[str, Any], config: Config) -> Iterator[tuple[str, str]]:
    """Yield what the app client does not allow, and what to do about it."""
    federation = config.federation
    if federation.domain is None:
        return
    allows_code = "code" in client.get("AllowedOAuthFlows", [])
    if not allows_code or not client.get("AllowedOAuthFlowsUserPoolClient", False):
        yield (
            "The app client does not allow the authorization code grant at the domain.",
            f"Allow it {IN_CONSOLE}",
        )
    wanted = {
        "redirect-uris": federation.redirect_uris,
        "scopes": federation.scopes,
        "providers": federation.providers,
    }
    for setting, options in OPTIONS.items():
        for option in options:
            missing = [each for each in wanted[setting] if each not in client.get(option, [])]
            if missing:
                yield (
                    f"The app client lacks {' '.join(missing)} in {option}.",
                    f"Correct [federation] {setting}, or add it {IN_CONSOLE}",
                )
    if not client.get("SupportedIdentityProviders"):
        yield (
            "The app client has no identity provider, so its sign-in page is not available.",
            f"Add Cognito user pool, or another provider, {IN_CONSOLE}",
        )
