"""Requests that every deployment must refuse."""

from __future__ import annotations

import time
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from service.deployment_checks.results import CheckResult, NamedCheck
from service.deployment_checks.smoke.deployment import PROFILE, bearer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.config.settings import Config
    from service.deployment_checks.smoke.deployment import Deployment, Response, SignedIn

IDENTITY: Final = "x-amzn-oidc-identity"
DATA: Final = "x-amzn-oidc-data"
SOME_ALB: Final = (
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/smoke/0123456789abcdef"
)
REFUSED: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
)  # by a load balancer, by the service
VALID_S: Final = 120
SECOND_IDENTITY: Final = NamedCheck(6, "second identity is refused")

HEADER_BELIEVED: Final = (
    "DANGER: any client that reaches this URL can read, change and delete any profile. Set "
    "IDENTITY_SOURCES=bearer, or 'alb bearer', and let the load balancer refuse requests that bring "
    "x-amzn-oidc-* themselves."
)
DATA_BELIEVED: Final = (
    "DANGER: a signature that no load balancer made is believed. Set IDENTITY_ALB_ARN to the load "
    "balancer of this deployment, and leave IDENTITY_ALB_KEY_URL empty."
)
FORGERY_BELIEVED: Final = (
    "DANGER: this proves no identity. Is there another service at this URL? If not, report a "
    "vulnerability (SECURITY.md)."
)


async def check_refusals(
    deployment: Deployment, config: Config | None, signed_in: SignedIn | None
) -> list[CheckResult]:
    """Return whether forged identities are refused; they name users that do not exist."""
    identity_header = {IDENTITY: str(uuid.uuid4())}
    forged = _forged(identity_header[IDENTITY], config)
    attempts: list[tuple[str, str, Mapping[str, str], str]] = [
        ("no identity is refused", PROFILE, {}, FORGERY_BELIEVED),
        ("identity header alone is refused", PROFILE, identity_header, HEADER_BELIEVED),
        ("forged signature is refused", PROFILE, {**identity_header, DATA: forged}, DATA_BELIEVED),
        ("unsigned token is refused", PROFILE, bearer(_unsigned(config)), FORGERY_BELIEVED),
    ]
    with_tokens = ("id token is refused", "changed token is refused", "user token is no service's")
    if signed_in is not None:
        token = signed_in.access_token
        of_user = f"/v1/users/{signed_in.user_id}/profile"
        attempts += (
            (with_tokens[0], PROFILE, bearer(signed_in.id_token), FORGERY_BELIEVED),
            (with_tokens[1], PROFILE, bearer(_changed(token)), FORGERY_BELIEVED),
            (with_tokens[2], of_user, bearer(token), FORGERY_BELIEVED),
        )
    results = [
        _judged(NamedCheck(6, name), await deployment.call("GET", path, headers=headers), advice)
        for name, path, headers, advice in attempts
    ]
    if signed_in is None:
        results += [NamedCheck(6, name).unknown("needs a signed-in user") for name in with_tokens]
    return results


async def check_second_identity(deployment: Deployment, signed_in: SignedIn) -> CheckResult:
    """
    Return whether the header of another user beside a token changes nothing; the user has a profile.

    A load balancer may remove the header: then the answer is the profile of the token's user.
    """
    headers = {**bearer(signed_in.access_token), IDENTITY: str(uuid.uuid4())}
    answer = await deployment.call("GET", PROFILE, headers=headers)
    if answer.status == HTTPStatus.OK and answer.body.get("userId") == signed_in.user_id:
        return SECOND_IDENTITY.ok("200 for the user of the token: the header is removed or ignored")
    return _judged(SECOND_IDENTITY, answer, HEADER_BELIEVED)


def _judged(check: NamedCheck, answer: Response, advice: str) -> CheckResult:
    if answer.status in REFUSED:
        return check.ok(str(answer))
    if answer.status == HTTPStatus.FORBIDDEN and not answer.code:
        return check.ok("403, of a firewall")
    if answer.status in (HTTPStatus.FOUND, HTTPStatus.SEE_OTHER):
        return check.unknown(
            f"{answer}: a redirect to sign in",
            "Let the authenticate action of API paths `allow` requests without a session.",
        )
    if (
        answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        or answer.status == HTTPStatus.TOO_MANY_REQUESTS
    ):
        return check.unknown(f"{answer}: neither accepted nor refused")
    return check.wrong(f"{answer} instead of 401", advice)


def _forged(sub: str, config: Config | None) -> str:
    """Return what a load balancer would sign, signed with a key that no load balancer has."""
    arns = config.identity.alb_arn if config is not None else ()
    expires_at = int(time.time()) + VALID_S
    header: dict[str, Any] = {
        "kid": str(uuid.uuid4()),
        "signer": arns[0] if arns else SOME_ALB,
        "client": config.alb_client_id if config is not None else "client",
        "iss": _issuer(config),
        "exp": expires_at,
    }
    claims = {"sub": sub, "exp": expires_at, "iss": _issuer(config)}
    key = ec.generate_private_key(ec.SECP256R1())
    return jwt.encode(claims, key, algorithm="ES256", headers=header)


def _unsigned(config: Config | None) -> str:
    now = int(time.time())
    claims = {
        "sub": str(uuid.uuid4()),
        "iss": _issuer(config),
        "client_id": config.cognito.client_id if config is not None else "client",
        "token_use": "access",
        "iat": now,
        "exp": now + VALID_S,
    }
    return jwt.encode(claims, "", algorithm="none")


def _changed(token: str) -> str:
    """Return the token with the first character of its signature changed."""
    head, _, signature = token.rpartition(".")
    return f"{head}.{'B' if signature[:1] == 'A' else 'A'}{signature[1:]}"


def _issuer(config: Config | None) -> str:
    if config is None:
        return "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_smoke"
    region, pool_id = config.aws.region, config.cognito.user_pool_id
    return f"https://cognito-idp.{region}.amazonaws.com/{pool_id}"
