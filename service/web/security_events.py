"""
What happened to accounts, as log lines that an auditor can count on: a closed vocabulary.

An event is one line beside the request's own, bound to it by the request id. It never holds a secret;
whom it is about is written as `[log] identities` says.
"""

from enum import StrEnum

import structlog
from aiohttp import web

from service.domain.errors import ServiceError
from service.web.client_address import client_address


class SecurityEvent(StrEnum):
    """The vocabulary."""

    SIGNED_UP = "signed_up"
    SIGN_UP_REFUSED = "sign_up_refused"
    CONFIRMED = "confirmed"
    CONFIRMATION_REFUSED = "confirmation_refused"
    CODE_REQUESTED = "code_requested"
    CODE_REQUEST_REFUSED = "code_request_refused"
    SIGNED_IN = "signed_in"
    CHALLENGED = "challenged"
    SIGN_IN_REFUSED = "sign_in_refused"
    TOKEN_REFRESHED = "token_refreshed"  # noqa: S105 -- the name of an event
    TOKEN_REFRESH_REFUSED = "token_refresh_refused"  # noqa: S105 -- likewise
    SIGNED_OUT = "signed_out"
    SIGNED_OUT_EVERYWHERE = "signed_out_everywhere"
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


def record(
    request: web.Request,
    event: SecurityEvent,
    *,
    sub: str | None = None,
    account: str | None = None,
    refusal: ServiceError | None = None,
) -> None:
    """
    Write an event.

    *sub* is whom it is about, *account* the user name as it was typed, which may be anybody's or
    nobody's; None is not known.
    """
    known = {
        "sub": sub,
        "account": account,
        "address": _text(client_address(request)),
        "code": None if refusal is None else refusal.code,
    }
    details = {name: value for name, value in known.items() if value is not None}
    structlog.get_logger().info(event.value, **details)


def _text(address: object) -> str | None:
    return None if address is None else str(address)
