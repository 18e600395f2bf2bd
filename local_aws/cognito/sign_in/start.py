"""The start of a sign-in, by the flow that the client requests."""

from collections.abc import Callable
from typing import Any

from local_aws.cognito import tokens
from local_aws.cognito.directory import check_secret_hash, own_app
from local_aws.cognito.errors import InvalidParameterException
from local_aws.cognito.settings import App
from local_aws.cognito.shapes import required
from local_aws.cognito.sign_in import (
    choice,
    custom_challenge,
    password_sign_in,
    simulation,
    srp_sign_in,
)
from local_aws.cognito.state import Call

# Flow -> the entries of ExplicitAuthFlows that allow it; those without ALLOW_ are legacy.
PUBLIC_FLOWS = {
    "USER_PASSWORD_AUTH": ("ALLOW_USER_PASSWORD_AUTH", "USER_PASSWORD_AUTH"),
    "USER_SRP_AUTH": ("ALLOW_USER_SRP_AUTH",),
    "USER_AUTH": ("ALLOW_USER_AUTH",),
    "CUSTOM_AUTH": ("ALLOW_CUSTOM_AUTH", "CUSTOM_AUTH_FLOW_ONLY"),
    "REFRESH_TOKEN_AUTH": ("ALLOW_REFRESH_TOKEN_AUTH",),
    "REFRESH_TOKEN": ("ALLOW_REFRESH_TOKEN_AUTH",),
}
ADMIN_FLOWS = PUBLIC_FLOWS | {
    "ADMIN_USER_PASSWORD_AUTH": ("ALLOW_ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"),
    "ADMIN_NO_SRP_AUTH": ("ALLOW_ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"),
}


def initiate_auth(call: Call) -> dict[str, Any]:
    """Start a sign-in as a user."""
    return _begin(call, PUBLIC_FLOWS)


def admin_initiate_auth(call: Call) -> dict[str, Any]:
    """Start a sign-in as an administrator."""
    return _begin(call, ADMIN_FLOWS)


def _begin(call: Call, flows: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    app = own_app(call.parameters)
    flow = call.parameters["AuthFlow"]
    if flow not in flows:
        raise InvalidParameterException("Initiate Auth method not supported")
    _check_flow(app, flow, flows[flow])
    parameters = call.parameters.get("AuthParameters", {})
    return BEGINNINGS[flow](call, app, parameters)


def _check_flow(app: App, flow: str, permits: tuple[str, ...]) -> None:
    refreshes = flow.startswith("REFRESH_TOKEN")
    # A client with legacy entries may always refresh; one with rotation never by this flow.
    older = all(not entry.startswith("ALLOW_") for entry in app.flows)
    allowed = any(entry in app.flows for entry in permits) or (refreshes and older)
    if not allowed or (refreshes and app.rotation_grace_s is not None):
        raise InvalidParameterException(f"{flow} flow not enabled for this client")


def _with_password(call: Call, app: App, parameters: dict[str, str]) -> dict[str, Any]:
    username = required(parameters, "USERNAME")
    password = required(parameters, "PASSWORD")
    check_secret_hash(app.client, username, parameters.get("SECRET_HASH"))
    user = simulation.require(call.cognito, app, username)
    return password_sign_in.sign_in(call, app, user, password)


BEGINNINGS: dict[str, Callable[[Call, App, dict[str, str]], dict[str, Any]]] = {
    "USER_PASSWORD_AUTH": _with_password,
    "ADMIN_USER_PASSWORD_AUTH": _with_password,
    "ADMIN_NO_SRP_AUTH": _with_password,
    "USER_SRP_AUTH": srp_sign_in.begin,
    "USER_AUTH": choice.begin,
    "CUSTOM_AUTH": custom_challenge.begin,
    "REFRESH_TOKEN_AUTH": tokens.refresh,
    "REFRESH_TOKEN": tokens.refresh,
}
