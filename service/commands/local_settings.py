"""The settings of `local`: its own over the file, and under the environment."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from service.config import loader
from service.config.loader import Settings
from service.config.settings import Config, environment_name

PAGE = "/docs"  # of the service itself, as a redirect URI
RELYING_PARTY = "localhost"  # the only host for which browsers allow passkeys over plain HTTP
LOOPBACK = {"127.0.0.1", "::1", "[::1]", "localhost"}
# The names of this machine: requests for any other name are refused (DNS rebinding).
LOOPBACK_NAMES = "localhost 127.0.0.1 [::1]"

DEFAULTS: Settings = {"aws": {"region": "us-east-1"}}
PREFERENCES: Settings = {
    "identity": {"sources": "alb bearer header", "header-peers": "127.0.0.0/8 ::1/128"},
    "log": {"format": "console"},
    "auth": {"client-metadata": "locale", "refresh-cookie": "browsers"},
    "auth-config": {  # as the local user pool is created
        "flows": "USER_PASSWORD_AUTH USER_AUTH",
        "first-factors": "PASSWORD EMAIL_OTP WEB_AUTHN",
        "passkeys": "true",
        "passkey-relying-party-id": RELYING_PARTY,
        "passkey-user-verification": "required",
        "mfa": "SOFTWARE_TOKEN_MFA WEB_AUTHN_MFA",
        "sessions": "true",
    },
    "federation": {
        "providers": "COGNITO LocalIdP",
        # of the development servers of front ends: Next.js, Vite, Angular
        "redirect-uris": "http://localhost:3000/ http://localhost:3000/callback "
        "http://localhost:5173/ http://localhost:5173/callback "
        "http://localhost:4200/ http://localhost:4200/callback",
    },
    "server": {"host": "127.0.0.1", "allowed-hosts": LOOPBACK_NAMES},
}


def load(file: Path | None, environ: Mapping[str, str], placed: Settings) -> Config:
    """Return the configuration with *placed* over all else; raises ConfigurationUnusable."""
    preferred = {
        section: {
            key: value
            for key, value in entries.items()
            if environment_name(section, key) not in environ
        }
        for section, entries in PREFERENCES.items()
    }
    if not {*environ.get("SERVER_HOST", "").split()} <= LOOPBACK:
        # Other machines reach it by other names.
        preferred["server"].pop("allowed-hosts", None)
    over = {
        section: {**preferred.get(section, {}), **placed.get(section, {})}
        for section in {**preferred, **placed}
    }
    config = loader.load(file, environ, under=DEFAULTS, over=over)
    redirect_uris = config.federation.redirect_uris
    if environment_name("federation", "redirect-uris") not in environ and config.server.port:
        redirect_uris = (url(config.server.host[0], config.server.port) + PAGE, *redirect_uris)
    return replace(
        config,
        # A configured secret belongs to another client: the local one has none.
        cognito=replace(config.cognito, client_secret=None),
        federation=replace(config.federation, redirect_uris=redirect_uris),
    )


def url(host: str, port: int) -> str:
    """Return the URL at which a browser on this machine reaches a server."""
    shown = "localhost" if host in ("0.0.0.0", "127.0.0.1", "::") else host  # noqa: S104 -- compared
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"
