"""
The audit log: one line for each security event of an account, beside the request's own log line.

An event never contains a secret. It has the request id as all log lines have. Identities are written as
`[log] identities` says. Users type passwords into user name fields by mistake, so a user name is written
as typed only if the user pool has accepted it; otherwise its HMAC is written.
"""

from enum import StrEnum
from typing import Final

import structlog
from aiohttp import web

from service.api import keys
from service.api.activity.recording import record
from service.api.client_address import client_address
from service.domain.errors import ServiceError, ServiceFault, TryLater
from service.domain.profiles import WriteResult
from service.domain.values.json_values import drop_none
from service.observability.logs import identity_hash


class AuditEvent(StrEnum):
    """The closed vocabulary of audit events."""

    SIGNED_UP = "signed_up"
    SIGN_UP_REFUSED = "sign_up_refused"
    CONFIRMED = "confirmed"
    CONFIRMATION_REFUSED = "confirmation_refused"
    CODE_REQUESTED = "code_requested"
    CODE_REQUEST_REFUSED = "code_request_refused"
    SIGNED_IN = "signed_in"
    CHALLENGED = "challenged"
    SIGN_IN_REFUSED = "sign_in_refused"
    TOKEN_REFRESHED = "token_refreshed"  # noqa: S105 -- an event's name
    TOKEN_REFRESH_REFUSED = "token_refresh_refused"  # noqa: S105 -- likewise
    SIGNED_OUT = "signed_out"
    SIGNED_OUT_EVERYWHERE = "signed_out_everywhere"
    SESSION_REVOKED = "session_revoked"
    OTHER_SESSIONS_REVOKED = "other_sessions_revoked"
    SIGN_OUT_REFUSED = "sign_out_refused"
    PASSWORD_RESET_REQUESTED = "password_reset_requested"  # noqa: S105 -- likewise
    PASSWORD_RESET_REQUEST_REFUSED = "password_reset_request_refused"  # noqa: S105 -- likewise
    PASSWORD_RESET = "password_reset"  # noqa: S105 -- likewise
    PASSWORD_RESET_REFUSED = "password_reset_refused"  # noqa: S105 -- likewise
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 -- likewise
    PASSWORD_CHANGE_REFUSED = "password_change_refused"  # noqa: S105 -- likewise
    ATTRIBUTES_CHANGED = "attributes_changed"
    ATTRIBUTE_CHANGE_REFUSED = "attribute_change_refused"
    ATTRIBUTE_VERIFIED = "attribute_verified"
    ATTRIBUTE_VERIFICATION_REFUSED = "attribute_verification_refused"
    TOTP_VERIFIED = "totp_verified"
    MFA_ENABLED = "mfa_enabled"
    MFA_DISABLED = "mfa_disabled"
    MFA_CHANGE_REFUSED = "mfa_change_refused"
    PASSKEY_REGISTERED = "passkey_registered"
    PASSKEY_DELETED = "passkey_deleted"
    PASSKEY_CHANGE_REFUSED = "passkey_change_refused"
    ACCOUNT_DELETED = "account_deleted"
    ACCOUNT_DELETION_REFUSED = "account_deletion_refused"
    PROFILE_READ_BY_SERVICE = "profile_read_by_service"
    PROFILES_READ_BY_SERVICE = "profiles_read_by_service"
    PROFILE_CHANGED_BY_SERVICE = "profile_changed_by_service"
    PROFILE_ERASED_BY_SERVICE = "profile_erased_by_service"
    SERVICE_CALL_REFUSED = "service_call_refused"
    PROFILE_REVERTED = "profile_reverted"
    DATA_EXPORTED = "data_exported"
    DATA_EXPORT_REFUSED = "data_export_refused"
    PROFILE_CREATED = "profile_created"  # by `record_write` only, as the following
    PROFILE_UPDATED = "profile_updated"


# After these events the user pool is known to have an account of this name.
NAMES_AN_ACCOUNT: Final = frozenset(
    {
        AuditEvent.SIGNED_UP,
        AuditEvent.CONFIRMED,
        AuditEvent.SIGNED_IN,
        AuditEvent.PASSWORD_RESET,
    }
)

# Recorded as activity where the sub is known; `record_write` records the writes of profiles. Not among
# them: what erases the activity, and the refresh of tokens, which programs repeat each hour.
ACTIVITY: Final = frozenset(
    {
        AuditEvent.SIGNED_UP,
        AuditEvent.SIGNED_IN,
        AuditEvent.SIGNED_OUT_EVERYWHERE,
        AuditEvent.SESSION_REVOKED,
        AuditEvent.OTHER_SESSIONS_REVOKED,
        AuditEvent.SIGN_OUT_REFUSED,
        AuditEvent.PASSWORD_CHANGED,
        AuditEvent.PASSWORD_CHANGE_REFUSED,
        AuditEvent.ATTRIBUTES_CHANGED,
        AuditEvent.ATTRIBUTE_CHANGE_REFUSED,
        AuditEvent.ATTRIBUTE_VERIFIED,
        AuditEvent.ATTRIBUTE_VERIFICATION_REFUSED,
        AuditEvent.TOTP_VERIFIED,
        AuditEvent.MFA_ENABLED,
        AuditEvent.MFA_DISABLED,
        AuditEvent.MFA_CHANGE_REFUSED,
        AuditEvent.PASSKEY_REGISTERED,
        AuditEvent.PASSKEY_DELETED,
        AuditEvent.PASSKEY_CHANGE_REFUSED,
        AuditEvent.ACCOUNT_DELETION_REFUSED,
        AuditEvent.DATA_EXPORTED,
    }
)
# Refusals that are no activity: of rate limits, which a caller can cause without end, and of upstreams.
_NO_ACTIVITY: Final = (TryLater, ServiceFault)


def emit(  # noqa: PLR0913 -- the fields of an event
    request: web.Request,
    event: AuditEvent | None,
    *,
    sub: str | None = None,
    account: str | None = None,
    refusal: ServiceError | None = None,
    detail: str | None = None,
) -> None:
    """
    Write *event*, and record it if it is ACTIVITY; None writes nothing.

    *account* is the user name as typed, hashed unless the event is one of NAMES_AN_ACCOUNT; *detail* says
    what changed, without values. Unknown values are None. A service is named by its client id.
    """
    if event is None:
        return
    address = client_address(request)
    service = request.get(keys.SERVICE_CALLER)
    if account == sub:  # of limits that count a signed-in user
        account = None
    details = {
        "client_id": None if service is None else service.client_id,
        "sub": sub,
        "account": None if account is None else _account(request, event, account),
        "address": None if address is None else str(address),
        "code": None if refusal is None else refusal.code,
        "detail": detail,
    }
    structlog.get_logger().info(event.value, **drop_none(details))
    if sub is not None and event in ACTIVITY and not isinstance(refusal, _NO_ACTIVITY):
        record(request, event, sub=sub, detail=detail if refusal is None else refusal.code)


def record_write(request: web.Request, saved: WriteResult, event: AuditEvent) -> None:
    """
    Record a write of a profile, with the names of the fields that it changed, as activity.

    A write without effect is none. That of another service is PROFILE_CHANGED_BY_SERVICE in place of
    *event*.
    """
    if keys.SERVICE_CALLER in request:
        event = AuditEvent.PROFILE_CHANGED_BY_SERVICE
    if saved.created or saved.changed:
        record(request, event, sub=saved.profile.user_id, names=saved.changed)


def _account(request: web.Request, event: AuditEvent, account: str) -> str:
    # With "hashed", the log's own processor hashes every identity.
    if event in NAMES_AN_ACCOUNT or request.app[keys.CONFIG].log.identities == "hashed":
        return account
    return identity_hash(request.app[keys.ACCOUNT_HASH_KEY], account)
