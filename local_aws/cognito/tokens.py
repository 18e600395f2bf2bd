"""Issue, validation, rotation and revocation of tokens."""

import json
import secrets
import uuid
from collections.abc import Callable
from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User

from local_aws.cognito import devices, signing_keys, tracked_sessions
from local_aws.cognito.directory import check_secret_hash, find_app, find_pool
from local_aws.cognito.errors import (
    NotAuthorizedException,
    RefreshTokenReuseException,
    UnauthorizedException,
    UnsupportedOperationException,
    UnsupportedTokenTypeException,
    UserNotFoundException,
)
from local_aws.cognito.records import ADMIN_SCOPE, AccessToken, Device, Grant, RefreshToken
from local_aws.cognito.settings import App, setting
from local_aws.cognito.shapes import required
from local_aws.cognito.state import Call, Cognito

CLAIMS: dict[str, Callable[[str], object]] = {  # attributes that are no texts in an id token
    "email_verified": "true".__eq__,
    "phone_number_verified": "true".__eq__,
    "identities": json.loads,
}
# {"cty":"JWT","enc":"A256GCM","alg":"RSA-OAEP"}: Cognito's refresh tokens are JWEs
_JWE_HEADER = "eyJjdHkiOiJKV1QiLCJlbmMiOiJBMjU2R0NNIiwiYWxnIjoiUlNBLU9BRVAifQ"
_JWE_PART_BYTES = (256, 12, 700, 16)  # key, nonce, content, tag


def sign_in(cognito: Cognito, app: App, user: User, device: Device | None = None) -> dict[str, Any]:
    """Return the tokens of a new grant; the pool issues a device unless *device* signs in."""
    now = cognito.now()
    grant = Grant(
        pool=app.pool,
        user=user,
        client_id=app.client.id,
        origin_jti=str(uuid.uuid4()),
        auth_time=int(now),
        expires_at=now + app.refresh_token_s,
    )
    account = cognito.account(user)
    account.grants = [old for old in account.grants if old.expires_at > now and not old.revoked]
    tracked_sessions.begin(cognito, account, grant)
    account.grants.append(grant)
    account.failed_sign_ins = 0  # only a completed sign-in resets the lockout
    result = issue(cognito, app, grant) | {"RefreshToken": _refresh_token(cognito, grant)}
    if device is not None:
        device.authenticated_at = now
        grant.device_key = device.key
    elif devices.are_remembered(app.pool):
        device = devices.issue(app.pool, account, now)
        grant.device_key = device.key
        result["NewDeviceMetadata"] = {
            "DeviceKey": device.key,
            "DeviceGroupKey": devices.group_key(app.pool),
        }
    return {"ChallengeParameters": {}, "AuthenticationResult": result}


def _refresh_token(cognito: Cognito, grant: Grant) -> str:
    parts = [secrets.token_urlsafe(size) for size in _JWE_PART_BYTES]
    token = ".".join([_JWE_HEADER, *parts])
    cognito.refresh_tokens[token] = RefreshToken(grant)
    return token


def issue(cognito: Cognito, app: App, grant: Grant, *, nonce: str | None = None) -> dict[str, Any]:
    """Return new tokens of a grant, without a refresh token; *nonce* is a claim of the id token."""
    user, now = grant.user, cognito.now()
    common: dict[str, Any] = {
        "iss": cognito.issuer(app.pool),
        "sub": user.id,
        "iat": int(now),
        "auth_time": grant.auth_time,
        "origin_jti": grant.origin_jti,
        "event_id": str(uuid.uuid4()),
    }
    if user.groups:
        common["cognito:groups"] = sorted(group.group_name for group in user.groups)
    of_access = {
        "client_id": app.client.id,
        "token_use": "access",
        "exp": int(now) + app.access_token_s,
        "jti": str(uuid.uuid4()),
        "username": user.username,
        "scope": " ".join(grant.scopes),
        "version": 2,
    }
    of_identity = {
        "aud": app.client.id,
        "token_use": "id",
        "exp": int(now) + app.id_token_s,
        "jti": str(uuid.uuid4()),
        "cognito:username": user.username,
        **_claims(app, user),
    }
    if nonce is not None:
        of_identity["nonce"] = nonce
    access = signing_keys.signed(cognito, app.pool, common | of_access)
    identity = signing_keys.signed(cognito, app.pool, common | of_identity)
    cognito.access_tokens[access] = AccessToken(grant, now + app.access_token_s)
    return {
        "AccessToken": access,
        **({"IdToken": identity} if grant.has_id_token else {}),
        "ExpiresIn": app.access_token_s,
        "TokenType": "Bearer",
    }


def _claims(app: App, user: User) -> dict[str, Any]:
    return {
        name: CLAIMS.get(name, str)(value) for name, value in readable_attributes(app, user).items()
    }


def readable_attributes(app: App, user: User) -> dict[str, str]:
    """Return the attributes that the client may read: all unless it names some."""
    own = user.attribute_lookup
    readable = setting(app.client, "ReadAttributes", list(own))
    return {name: value for name, value in own.items() if name in [*readable, "sub"]}


def bearer(call: Call) -> Grant:
    """Return the grant of an access token; raises NotAuthorizedException or UserNotFoundException."""
    grant = live_grant(call.cognito, call.parameters["AccessToken"])
    if ADMIN_SCOPE not in grant.scopes:
        raise NotAuthorizedException("Access Token does not have required scopes")
    return grant


def live_grant(cognito: Cognito, access_token: str) -> Grant:
    """Return the grant of an access token with any scopes; raises as `bearer`."""
    token = cognito.access_tokens.get(access_token)
    if token is None:
        raise NotAuthorizedException("Invalid Access Token")
    grant = token.grant
    if find_pool(grant.pool.id).users.get(grant.user.username) is not grant.user:
        raise UserNotFoundException
    if grant.revoked:
        raise NotAuthorizedException("Access Token has been revoked")
    if token.expires_at <= cognito.now():
        raise NotAuthorizedException("Access Token has expired")
    return grant


def refresh(call: Call, app: App, parameters: dict[str, str]) -> dict[str, Any]:
    """Handle InitiateAuth with REFRESH_TOKEN_AUTH."""
    token = required(parameters, "REFRESH_TOKEN")
    grant = _live(call, app, token, parameters.get("DEVICE_KEY")).grant
    # The hash covers the stored user name, which is the sub where users sign in with an address:
    # https://github.com/aws/aws-sdk-net-extensions-cognito/issues/122
    check_secret_hash(app.client, grant.user.username, parameters.get("SECRET_HASH"))
    tracked_sessions.record_activity(call.cognito, grant)
    return {
        "ChallengeParameters": {},
        "AuthenticationResult": issue(call.cognito, app, grant),
    }


def get_tokens_from_refresh_token(call: Call) -> dict[str, Any]:
    """Exchange a refresh token; with rotation, the response has a new refresh token."""
    app = find_app(call.parameters["ClientId"])
    if not _secret_fits(app, call):
        raise NotAuthorizedException(f"Unable to verify secret for client {app.client.id}")
    token, device_key = call.parameters["RefreshToken"], call.parameters.get("DeviceKey")
    return {"AuthenticationResult": exchange(call, app, token, device_key)}


def exchange(
    call: Call, app: App, refresh_token: str, device_key: str | None = None
) -> dict[str, Any]:
    """Return new tokens for a refresh token; raises NotAuthorized- and RefreshTokenReuseException."""
    old = _live(call, app, refresh_token, device_key)
    tracked_sessions.record_activity(call.cognito, old.grant)
    result = issue(call.cognito, app, old.grant)
    if app.rotation_grace_s is not None:
        if old.reusable_until is None:
            old.reusable_until = call.now + app.rotation_grace_s
        result["RefreshToken"] = _refresh_token(call.cognito, old.grant)
    return result


def _secret_fits(app: App, call: Call) -> bool:
    given = call.parameters.get("ClientSecret")
    return given == (app.client.secret if app.client.generate_secret else None)


def _live(call: Call, app: App, token: str, device_key: str | None) -> RefreshToken:
    known = call.cognito.refresh_tokens.get(token)
    if known is None:
        raise NotAuthorizedException("Invalid Refresh Token.")
    if known.grant.client_id != app.client.id:
        raise NotAuthorizedException("Refresh Token has different Client.")
    if known.grant.revoked:
        raise NotAuthorizedException("Refresh Token has been revoked")
    if known.grant.expires_at <= call.now:
        raise NotAuthorizedException("Refresh Token has expired")
    if known.reusable_until is not None and known.reusable_until <= call.now:
        raise RefreshTokenReuseException
    own = known.grant.device_key
    confirmed = devices.confirmed(call.cognito.account(known.grant.user))
    if own is not None and (own != device_key or own not in confirmed):
        raise NotAuthorizedException("Invalid Refresh Token.")
    return known


def revoke_token(call: Call) -> dict[str, Any]:
    """Revoke the grant of a refresh token; an unknown token is not an error."""
    app = find_app(call.parameters["ClientId"])
    if not _secret_fits(app, call):
        raise UnauthorizedException(f"Unable to verify secret for client {app.client.id}")
    if not app.client.extended_config["EnableTokenRevocation"]:
        raise UnsupportedOperationException("Token revocation is not enabled for this client")
    token = call.parameters["Token"]
    known = call.cognito.refresh_tokens.get(token)
    if known is None:
        if token.count(".") == 2:  # noqa: PLR2004 -- a JWT has three parts
            raise UnsupportedTokenTypeException
        return {}
    if known.grant.client_id != app.client.id:
        raise UnauthorizedException("Refresh Token has different Client.")
    known.grant.revoked = True
    return {}


def revoke_all(cognito: Cognito, user: User) -> None:
    """Revoke every grant of the user."""
    for grant in cognito.account(user).grants:
        grant.revoked = True


def global_sign_out(call: Call) -> dict[str, Any]:
    """Revoke all tokens of the caller."""
    revoke_all(call.cognito, bearer(call).user)
    return {}
