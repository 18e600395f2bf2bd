"""All routes. A route is public only if it is listed in PUBLIC."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from service.api.handlers import (
    accounts,
    activity,
    auth_config,
    documentation,
    export,
    federation,
    health,
    methods,
    mfa,
    own_account,
    passkeys,
    passwords,
    profile_history,
    profiles,
    sessions,
    user_profiles,
    user_sessions,
)
from service.api.keys import Access, Dependency
from service.api.operations import Operation
from service.domain.errors import UpstreamUnavailable


class Route(NamedTuple):
    """A method and a path with their operation."""

    method: str
    path: str
    operation: Operation


PUBLIC: Final = (
    Route("POST", "/api/auth/signup", accounts.sign_up),
    Route("POST", "/api/auth/confirm", accounts.confirm),
    Route("POST", "/api/auth/resend", accounts.resend_code),
    Route("POST", "/api/auth/login", sessions.log_in),
    Route("POST", "/api/auth/challenge", sessions.answer_challenge),
    Route("POST", "/api/auth/refresh", sessions.refresh),
    Route("POST", "/api/auth/logout", sessions.log_out),
    Route("POST", "/api/auth/federated", federation.begin),
    Route("POST", "/api/auth/federated/tokens", federation.complete),
    Route("POST", "/api/auth/federated/logout", federation.end),
    Route("POST", "/api/auth/password/forgot", passwords.forgot),
    Route("POST", "/api/auth/password/reset", passwords.reset),
    Route("GET", "/api/auth/config", auth_config.show),
    Route("GET", profiles.SCHEMA_PATH, profiles.show_schema),
    Route("GET", "/health/live", health.live),
    Route("GET", "/health/ready", health.ready),
    Route("GET", "/health/serving", health.serving),
    Route("GET", "/", documentation.root),
    Route("GET", "/openapi.json", documentation.openapi),
    Route("GET", "/docs", documentation.page),
    Route("GET", "/docs/{asset}", documentation.asset),
)

SIGNED_IN: Final = (
    Route("POST", "/api/auth/password/change", passwords.change),
    Route("GET", "/api/auth/me", own_account.show),
    Route("PATCH", "/api/auth/me", own_account.change),
    Route("DELETE", "/api/auth/me", own_account.delete),
    Route("POST", "/api/auth/me/verification", own_account.send_verification),
    Route("POST", "/api/auth/me/verification/confirm", own_account.verify),
    Route("GET", "/api/auth/mfa", mfa.show),
    Route("PUT", "/api/auth/mfa", mfa.prefer),
    Route("POST", "/api/auth/mfa/totp", mfa.associate_totp),
    Route("POST", "/api/auth/mfa/totp/verify", mfa.verify_totp),
    Route("GET", "/api/auth/passkeys", passkeys.show),
    Route("POST", "/api/auth/passkeys/options", passkeys.options),
    Route("POST", "/api/auth/passkeys", passkeys.register),
    Route("DELETE", "/api/auth/passkeys/{id}", passkeys.remove),
    Route("GET", "/api/auth/sessions", user_sessions.show),
    Route("DELETE", "/api/auth/sessions", user_sessions.revoke_others),
    Route("DELETE", "/api/auth/sessions/{id}", user_sessions.revoke),
    Route("GET", export.PATH, export.show),
)

IDENTIFIED: Final = (
    Route("GET", profiles.PATH, profiles.show),
    Route("POST", profiles.PATH, profiles.save),
    Route("PUT", profiles.PATH, profiles.replace),
    Route("PATCH", profiles.PATH, profiles.patch),
    Route("DELETE", profiles.PATH, profiles.erase),
    Route("GET", profile_history.PATH, profile_history.show),
    Route("GET", profile_history.VERSION_PATH, profile_history.show_version),
    Route("POST", profile_history.REVERT_PATH, profile_history.revert),
    Route("GET", activity.PATH, activity.show),
)

# By other services, each with the scope of its operation: see service_call.
SERVICE: Final = (
    Route("GET", user_profiles.PATH, user_profiles.show),
    Route("PATCH", user_profiles.PATH, user_profiles.patch),
    Route("DELETE", user_profiles.PATH, user_profiles.erase),
    Route("POST", user_profiles.BATCH_PATH, user_profiles.show_many),
)


def all_routes() -> Iterator[tuple[Route, Access]]:
    """Yield every route with its access."""
    by_access = (
        (Access.PUBLIC, PUBLIC),
        (Access.SIGNED_IN, SIGNED_IN),
        (Access.IDENTIFIED, IDENTIFIED),
        (Access.SERVICE, SERVICE),
    )
    for access, routes in by_access:
        for route in routes:
            yield route, access


def dependencies() -> Mapping[Handler, Dependency]:
    """Return the upstream that each handler depends on; those that call both wait for Cognito first."""
    return {
        route.operation.call: _dependency(route, access)
        for route, access in all_routes()
        if UpstreamUnavailable in route.operation.all_refusals(access)
    }


def _dependency(route: Route, access: Access) -> Dependency:
    if route.operation is federation.complete:
        return Dependency.COGNITO_DOMAIN
    reads_profiles = access in (Access.IDENTIFIED, Access.SERVICE)
    return Dependency.DYNAMODB if reads_profiles else Dependency.COGNITO


def register(app: web.Application) -> Mapping[Handler, Access]:
    """
    Add the routes to *app*, with HEAD for each GET and OPTIONS for each path.

    Returns the access of each handler.
    """
    by_path: dict[str, list[Route]] = {}
    for route, _ in all_routes():
        by_path.setdefault(route.path, []).append(route)
    for path, routes in by_path.items():
        # A path parameter matches any segment, as the API document says.
        resource = app.router.add_resource(path.replace("}", ":[^/]+}"))
        for route in routes:
            resource.add_route(route.method, route.operation.call)
            if route.method == hdrs.METH_GET:
                resource.add_route(hdrs.METH_HEAD, route.operation.call)
        resource.add_route(hdrs.METH_OPTIONS, methods.options)
    access: dict[Handler, Access] = {route.operation.call: access for route, access in all_routes()}
    return {**access, methods.options: Access.PUBLIC}
