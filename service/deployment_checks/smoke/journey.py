"""The set-up guide's step 6: sign in, create a profile, read it; and delete what was made."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from service.deployment_checks.results import CheckResult, NamedCheck
from service.deployment_checks.smoke.deployment import PROFILE, Deployment, SignedIn, bearer
from service.deployment_checks.smoke.refusals import check_second_identity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.config.settings import Config
    from service.deployment_checks.smoke.deployment import Response

LOGIN: Final = NamedCheck(6, "login")
CLAIMS: Final = NamedCheck(6, "issuer and app client")
WRITE: Final = NamedCheck(6, "profile is created")
READ: Final = NamedCheck(6, "profile is read")
DELETE: Final = NamedCheck(6, "profile is deleted")
FIELDS: Final = {"city": "Mumbai", "country": "IN"}
LOG_ADVICE: Final = "`aws_call_failed` in the log names the cause; run `python -m service doctor`."
NOT_ACCEPTED: Final = (
    "The deployment does not accept the access token that it handed out: AWS_COGNITO_USER_POOL_ID is not "
    "the pool of AWS_COGNITO_CLIENT_ID, IDENTITY_BEARER_CLIENT_IDS does not list that client, or "
    "IDENTITY_SOURCES has no bearer."
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and a password."""

    username: str = field(repr=False)
    password: str = field(repr=False)


async def check_login(
    deployment: Deployment, credentials: Credentials
) -> tuple[CheckResult, SignedIn | None]:
    """Return whether the user can sign in, and the tokens."""
    body = {"username": credentials.username, "password": credentials.password}
    answer = await deployment.call("POST", "/api/auth/login", json=body)
    tokens = answer.body
    if answer.status != HTTPStatus.OK:
        return _login_refused(answer), None
    if "challenge" in tokens:
        detail = "The account needs more than a password."
        return LOGIN.unknown(detail, "Take a user without a second factor."), None
    found = [tokens.get(name) for name in ("userId", "accessToken", "idToken")]
    if not all(isinstance(each, str) for each in found):
        return answer.unexpected(LOGIN, "tokens", "Is there another service at this URL?"), None
    return LOGIN.ok("200 /api/auth/login"), SignedIn(*map(str, found))


def _login_refused(answer: Response) -> CheckResult:
    if answer.code == "invalid_credentials":
        return LOGIN.unknown(
            str(answer), "Correct SMOKE_USERNAME and SMOKE_PASSWORD; or --create-user."
        )
    return answer.unexpected(LOGIN, "200 /api/auth/login", LOG_ADVICE)


def check_token(signed_in: SignedIn, config: Config | None) -> CheckResult:
    """Return whether the token is of the pool and the app client of the settings; it is not verified."""
    claims = _claims(signed_in.access_token)
    issuer, client_id = str(claims.get("iss")), str(claims.get("client_id"))
    detail = f"iss {issuer}, client_id {client_id}"[:300]
    if config is None:
        advice = (
            "Set AWS_REGION, AWS_COGNITO_USER_POOL_ID and AWS_COGNITO_CLIENT_ID to compare them."
        )
        return CLAIMS.unknown(detail, advice, optional=True)
    pool_id = config.cognito.user_pool_id
    issuers = config.cognito.issuers
    of_pool = issuer in issuers if issuers else issuer.endswith(f"/{pool_id}")
    if not of_pool:
        advice = f"The app client is not of the user pool {pool_id}: correct one of them."
        return CLAIMS.wrong(detail, advice)
    if client_id != config.cognito.client_id:
        advice = f"The deployment has another app client than {config.cognito.client_id}."
        return CLAIMS.wrong(detail, advice)
    if client_id not in config.bearer_client_ids:
        advice = f"Add {client_id} to IDENTITY_BEARER_CLIENT_IDS, or its tokens are refused."
        return CLAIMS.wrong(detail, advice)
    return CLAIMS.ok(detail)


async def check_profile(deployment: Deployment, signed_in: SignedIn) -> list[CheckResult]:
    """Return whether a profile can be created, read and deleted; one that exists is only read."""
    headers = bearer(signed_in.access_token)
    before = await deployment.call("GET", PROFILE, headers=headers)
    if before.status == HTTPStatus.OK:
        advice = "Take a user without a profile, or --create-user."
        return [
            _read(before, signed_in, {}),
            await check_second_identity(deployment, signed_in),
            WRITE.unknown("skipped: the user has a profile", advice, optional=True),
            DELETE.unknown("skipped: the user has a profile", advice, optional=True),
        ]
    if before.code != "profile_not_found":
        advice = NOT_ACCEPTED if before.status == HTTPStatus.UNAUTHORIZED else LOG_ADVICE
        return [before.unexpected(READ, "200, or 404 profile_not_found", advice)]
    fields = {**FIELDS, "displayName": f"smoke {secrets.token_hex(4)}"}
    created = await deployment.call(
        "POST", PROFILE, json=fields, headers={**headers, "If-None-Match": "*"}
    )
    if created.status != HTTPStatus.CREATED:
        return [created.unexpected(WRITE, "201", LOG_ADVICE)]
    results = [WRITE.ok(f"201 {PROFILE}")]
    try:
        seen = await deployment.call("GET", PROFILE, headers=headers)
        results.append(_read(seen, signed_in, fields))
        results.append(await check_second_identity(deployment, signed_in))
    finally:
        # Only the profile as it was created: what another client has written since is not ours.
        tag = {"If-Match": created.headers.get("ETag", "")}
        deleted = await deployment.call("DELETE", PROFILE, headers={**headers, **tag})
    results.append(
        DELETE.ok(f"204 {PROFILE}")
        if deleted.status == HTTPStatus.NO_CONTENT
        else deleted.unexpected(DELETE, "204", "Delete the profile of this user yourself.")
    )
    return results


def _read(seen: Response, signed_in: SignedIn, fields: Mapping[str, str]) -> CheckResult:
    if seen.status != HTTPStatus.OK:
        return seen.unexpected(READ, "200", LOG_ADVICE)
    expected = {"userId": signed_in.user_id, **fields}
    different = [name for name, value in expected.items() if seen.body.get(name) != value]
    if different:
        detail = f"200, and {', '.join(different)} are not as they were written"
        return READ.wrong(detail, "Report it as a defect.")
    return READ.ok(f"200 {PROFILE}")


def _claims(token: str) -> dict[str, Any]:
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return {}
    return claims if isinstance(claims, dict) else {}
