"""Rules across settings: combinations that cannot work, each with what to do about it."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from service.config.federation_settings import OPENID
from service.domain.mfa import PASSKEY

MAX_PORT: Final = 65_535
ARN_REGION: Final = 3  # the fourth field of an ARN


class Rule(NamedTuple):
    """
    A rule on the values of *settings*, each written as `section.key`.

    *problem* takes the values in this order and returns what is wrong with the first one, or None.
    """

    settings: tuple[str, ...]
    problem: Callable[..., str | None]


def _pool_is_in_region(pool_id: str, region: str) -> str | None:
    pool_region = pool_id.rpartition("_")[0]
    if pool_region == region or "-" not in pool_region:  # emulators have ids such as local_1
        return None
    return f"The pool is in {pool_region}, but [aws] region is {region}. Change one of them."


def _secret_for_client_address(secret: str | None, send_client_address: bool) -> str | None:  # noqa: FBT001 -- called with the settings
    if send_client_address and secret is None:
        return "Must be set, because send-client-address is true."
    return None


def _load_balancer_is_named(arns: Sequence[str], sources: Sequence[str]) -> str | None:
    # All load balancers of a region sign with keys of one server.
    if "alb" in sources and not arns:
        return (
            "Must be set, because [identity] sources names alb: "
            "without it, the tokens of any load balancer would be accepted."
        )
    return None


def _load_balancer_is_in_region(
    arns: Sequence[str], key_url: str | None, region: str
) -> str | None:
    if key_url is not None:
        return None
    for arn in arns:
        arn_region = arn.split(":")[ARN_REGION]
        if arn_region != region:
            return f"{arn} is in {arn_region}, but [aws] region is {region}. Change one of them."
    return None


def _load_balancer_has_client(
    alb_client_id: str | None, sources: Sequence[str], secret: str | None
) -> str | None:
    # An Application Load Balancer authenticates users with an app client that has a secret only.
    if "alb" in sources and alb_client_id is None and secret is None:
        return (
            "Must be set, because [identity] sources names alb, and the app client of [aws.cognito] "
            "has no client-secret: set the id of the app client with which the load balancer signs "
            "users in. It must have a secret."
        )
    return None


def _keep_alive_outlasts_balancer(keep_alive_s: float, balancer_idle_s: float) -> str | None:
    return "Must be more than balancer-idle-s." if keep_alive_s <= balancer_idle_s else None


def _metrics_ports_are_free(first: int, workers: int, port: int) -> str | None:
    last = first + workers - 1
    if not first or (last <= MAX_PORT and not first <= port <= last):
        return None
    return (
        f"Each worker takes a port, here {first} to {last}: they must not include [server] port, nor "
        f"exceed {MAX_PORT}."
    )


def _hash_key_is_set(hash_key: str | None, identities: str) -> str | None:
    # Without a key, anyone could hash every telephone number there is.
    if identities == "hashed" and hash_key is None:
        return "Must be set, to at least 16 characters, because identities = hashed."
    return None


def _domain_has_redirect_uris(redirect_uris: Sequence[str], domain: str | None) -> str | None:
    return (
        "Must be set, because domain is set." if domain is not None and not redirect_uris else None
    )


def _scopes_issue_id_tokens(scopes: Sequence[str]) -> str | None:
    return None if OPENID in scopes else f"{OPENID} must be among them: it issues the id token."


def _verifies_users(verification: str, mfa: Sequence[str]) -> str | None:
    if PASSKEY in mfa and verification != "required":
        return f"Must be required, because [auth-config] mfa has {PASSKEY}."
    return None


RULES: Final = (
    Rule(("aws.cognito.user-pool-id", "aws.region"), _pool_is_in_region),
    Rule(
        ("aws.cognito.client-secret", "aws.cognito.send-client-address"), _secret_for_client_address
    ),
    Rule(("identity.alb-arn", "identity.sources"), _load_balancer_is_named),
    Rule(("identity.alb-arn", "identity.alb-key-url", "aws.region"), _load_balancer_is_in_region),
    Rule(
        ("identity.alb-client-id", "identity.sources", "aws.cognito.client-secret"),
        _load_balancer_has_client,
    ),
    Rule(("federation.redirect-uris", "federation.domain"), _domain_has_redirect_uris),
    Rule(("federation.scopes",), _scopes_issue_id_tokens),
    Rule(("server.keep-alive-s", "server.balancer-idle-s"), _keep_alive_outlasts_balancer),
    Rule(("server.metrics-port", "server.workers", "server.port"), _metrics_ports_are_free),
    Rule(("auth-config.passkey-user-verification", "auth-config.mfa"), _verifies_users),
    Rule(("log.hash-key", "log.identities"), _hash_key_is_set),
)


def broken(values: dict[str, Any]) -> list[tuple[str, str]]:
    """
    Return the broken rules as (`section.key`, problem).

    *values* holds the valid settings; a rule about a setting that is not among them is skipped.
    """
    return [
        (rule.settings[0], problem)
        for rule in RULES
        if all(name in values for name in rule.settings)
        and (problem := rule.problem(*(values[name] for name in rule.settings))) is not None
    ]
