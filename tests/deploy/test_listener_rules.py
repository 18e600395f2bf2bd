"""The load balancer forwards what the service serves, and lets nobody else speak for it."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any, Final

from service.api.bearer_token import OIDC_ACCESS_TOKEN
from service.api.keys import Access
from service.api.middlewares.identity import OIDC_DATA, OIDC_IDENTITY
from service.api.routes import all_routes
from tests.deploy.templates import SERVICE, alternatives, load, of_type

MAX_VALUES: Final = 5  # of all conditions of a rule together
RULES: Final = sorted(
    of_type(load(SERVICE), "AWS::ElasticLoadBalancingV2::ListenerRule").values(),
    key=lambda rule: int(rule["Priority"]),
)


def conditions(rule: dict[str, Any], field: str) -> Iterator[dict[str, Any]]:
    """Yield the settings of a rule's conditions of one kind."""
    for condition in rule["Conditions"]:
        if condition["Field"] == field:
            (setting,) = (value for name, value in condition.items() if name != "Field")
            yield setting


def values(rule: dict[str, Any], field: str) -> list[Any]:
    """Return what a rule's conditions of one kind match."""
    return [value for setting in conditions(rule, field) for value in setting["Values"]]


def on_unauthenticated(rule: dict[str, Any]) -> str | None:
    """Return what a rule does with a request that has no session; None where it does not look."""
    first = rule["Actions"][0]
    if first["Type"] != "authenticate-cognito":
        return None
    action: str = first["AuthenticateCognitoConfig"]["OnUnauthenticatedRequest"]
    return action


def matching(path: str) -> list[dict[str, Any]]:
    """Return the rules that match a path, requests with a bearer token aside."""
    return [
        rule
        for rule in RULES
        if not values(rule, "http-header")
        and any(fnmatchcase(path, pattern) for pattern in values(rule, "path-pattern") or ["*"])
    ]


def test_identity_headers_of_clients_are_refused_first() -> None:
    """A request that brings a header of the load balancer's is refused before any other rule."""
    names = (OIDC_DATA, OIDC_IDENTITY, OIDC_ACCESS_TOKEN)
    refusing = RULES[: len(names)]

    assert {
        setting["HttpHeaderName"]
        for rule in refusing
        for setting in conditions(rule, "http-header")
    } == {*names}
    for rule in refusing:
        assert len(rule["Conditions"]) == 1
        assert values(rule, "http-header") == ["*"]
        (action,) = rule["Actions"]
        assert action["FixedResponseConfig"]["StatusCode"] == "400"


def test_every_route_is_forwarded() -> None:
    """No path of the API is answered by the load balancer itself."""
    for route, _ in all_routes():
        assert matching(route.path)[0]["Actions"][-1]["Type"] == "forward", route


def test_sessions_reach_every_route_that_needs_a_caller() -> None:
    """Where the service needs to know the user, the load balancer says it; services have tokens."""
    for route, access in all_routes():
        first = on_unauthenticated(matching(route.path)[0])
        if access in {Access.SIGNED_IN, Access.IDENTIFIED}:
            assert first == "allow", route
        if access is Access.SERVICE:
            assert first is None, route
        assert first != "authenticate", route


def test_only_the_sign_in_page_redirects() -> None:
    """The one path that sends a browser to sign in is no route of the API."""
    redirecting = [rule for rule in RULES if on_unauthenticated(rule) == "authenticate"]

    assert [values(rule, "path-pattern") for rule in redirecting] == [["/login"]]
    assert "/login" not in {route.path for route, _ in all_routes()}


def test_signing_in_by_the_api_needs_no_session() -> None:
    """The calls that give tokens are not behind an authenticate action."""
    for path in ("/api/auth/signup", "/api/auth/login", "/api/auth/challenge", "/api/auth/refresh"):
        assert on_unauthenticated(matching(path)[0]) is None


def test_no_rule_has_more_values_than_a_rule_takes() -> None:
    """Elastic Load Balancing refuses a rule of more than five condition values."""
    for rule in RULES:
        fields = ("host-header", "path-pattern", "http-header")
        assert sum(len(values(rule, field)) for field in fields) <= MAX_VALUES


def test_bearer_rule_takes_tokens_of_the_same_clients_as_the_service() -> None:
    """The optional check of tokens demands what the service demands."""
    (rule,) = (rule for rule in RULES if rule["Actions"][0]["Type"] == "jwt-validation")
    claims = {
        claim["Name"]: claim["Values"]
        for claim in rule["Actions"][0]["JwtValidationConfig"]["AdditionalClaims"]
    }

    assert claims.pop("token_use") == ["access"]
    assert [*alternatives(claims.pop("client_id"))] == [
        {"Fn::Split": [" ", {"Ref": "BearerClientIds"}]},
        [{"Ref": "ClientId"}],
    ]
    assert claims == {}
