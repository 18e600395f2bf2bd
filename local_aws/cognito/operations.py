"""Cognito's operations: implemented here, or by moto after a check."""

import json
import secrets
import string
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, cast

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import CognitoIdpUserPoolClient as Client
from moto.cognitoidp.responses import CognitoIdpResponse
from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import JsonRESTError
from moto.core.request import Request
from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores

from local_aws.cognito import (
    admin,
    device_operations,
    mfa,
    mfa_preferences,
    passkeys,
    pool_factors,
    profile,
    recovery,
    references,
    resource_servers,
    session_operations,
    shapes,
    sign_up,
    tags,
    tokens,
    unused_features,
)
from local_aws.cognito.errors import (
    InternalErrorException,
    InvalidParameterException,
    SerializationException,
    not_implemented,
)
from local_aws.cognito.sign_in import challenges, start
from local_aws.cognito.state import Call, Cognito

OPERATIONS: dict[str, Callable[[Call], dict[str, Any]]] = {
    "AdminDeleteUserAttributes": profile.admin_delete_user_attributes,
    "AdminForgetDevice": device_operations.forget_device,
    "AdminGetDevice": device_operations.get_device,
    "AdminInitiateAuth": start.admin_initiate_auth,
    "AdminListDevices": device_operations.list_devices,
    "AdminListUserAuthEvents": unused_features.admin_list_user_auth_events,
    "AdminResetUserPassword": admin.admin_reset_user_password,
    "AdminRespondToAuthChallenge": challenges.respond_to_auth_challenge,
    "AdminSetUserMFAPreference": mfa_preferences.admin_set_user_mfa_preference,
    "AdminSetUserPassword": admin.admin_set_user_password,
    "AdminUpdateDeviceStatus": device_operations.update_device_status,
    "AdminUpdateUserAttributes": profile.admin_update_user_attributes,
    "AdminUserGlobalSignOut": admin.admin_user_global_sign_out,
    "AssociateSoftwareToken": mfa.associate_software_token,
    "ChangePassword": recovery.change_password,
    "CompleteWebAuthnRegistration": passkeys.complete_registration,
    "ConfirmDevice": device_operations.confirm_device,
    "ConfirmForgotPassword": recovery.confirm_forgot_password,
    "ConfirmSignUp": sign_up.confirm_sign_up,
    "DeleteResourceServer": resource_servers.delete_resource_server,
    "DeleteUser": profile.delete_user,
    "DeleteUserAttributes": profile.delete_user_attributes,
    "DeleteWebAuthnCredential": passkeys.delete_credential,
    "DescribeManagedLoginBrandingByClient": (
        unused_features.describe_managed_login_branding_by_client
    ),
    "DescribeRiskConfiguration": unused_features.describe_risk_configuration,
    "ForgetDevice": device_operations.forget_device,
    "ForgotPassword": recovery.forgot_password,
    "GetCSVHeader": unused_features.get_csv_header,
    "GetDevice": device_operations.get_device,
    "GetLogDeliveryConfiguration": unused_features.get_log_delivery_configuration,
    "GetTokensFromRefreshToken": tokens.get_tokens_from_refresh_token,
    "GetUICustomization": unused_features.get_ui_customization,
    "GetUser": profile.get_user,
    "GetUserAttributeVerificationCode": profile.get_user_attribute_verification_code,
    "GetUserAuthFactors": profile.get_user_auth_factors,
    "GetUserPoolMfaConfig": pool_factors.get_user_pool_mfa_config,
    "GetUserPoolSessionConfiguration": session_operations.get_configuration,
    "GlobalSignOut": tokens.global_sign_out,
    "InitiateAuth": start.initiate_auth,
    "ListDevices": device_operations.list_devices,
    "ListTagsForResource": tags.list_tags_for_resource,
    "ListTerms": unused_features.list_terms,
    "ListUserSessions": session_operations.list_user_sessions,
    "ListWebAuthnCredentials": passkeys.list_credentials,
    "ResendConfirmationCode": sign_up.resend_confirmation_code,
    "RespondToAuthChallenge": challenges.respond_to_auth_challenge,
    "RevokeToken": tokens.revoke_token,
    "RevokeUserSession": session_operations.revoke_user_session,
    "SetUserMFAPreference": mfa_preferences.set_user_mfa_preference,
    "SetUserPoolMfaConfig": pool_factors.set_user_pool_mfa_config,
    "SetUserPoolSessionConfiguration": session_operations.set_configuration,
    "SignUp": sign_up.sign_up,
    "StartWebAuthnRegistration": passkeys.start_registration,
    "TagResource": tags.tag_resource,
    "UntagResource": tags.untag_resource,
    "UpdateDeviceStatus": device_operations.update_device_status,
    "UpdateResourceServer": resource_servers.update_resource_server,
    "UpdateUserAttributes": profile.update_user_attributes,
    "VerifySoftwareToken": mfa.verify_software_token,
    "VerifyUserAttribute": profile.verify_user_attribute,
}

_JSON = {"Content-Type": "application/x-amz-json-1.1"}
_SECRET_CHARACTERS = string.ascii_lowercase + string.digits
_SECRET_LENGTH = 52
KEPT = ("ClientName", "CreationDate")  # of an app client, by UpdateUserPoolClient


class StrictCognito(CognitoIdpResponse):
    """Handles one request."""

    def __init__(self, cognito: Cognito) -> None:
        super().__init__()
        self._cognito = cognito

    def answer(self, request: Request, url: str, headers: object) -> TYPE_RESPONSE:
        """Return the operation's JSON, or an error's; never HTML."""
        operation = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        try:
            self.setup_class(request, url, headers)
            return self._perform(operation)
        except JsonRESTError as refusal:
            failure = refusal
        except Exception as bug:  # noqa: BLE001 -- any defect becomes a JSON error
            failure = InternalErrorException(f"{operation}: {bug!r}")
        content = {"__type": failure.error_type, "message": failure.message}
        return failure.code, _JSON, json.dumps(content)

    def _perform(self, operation: str) -> TYPE_RESPONSE:
        try:
            body = json.loads(self.body)
        except ValueError:
            raise SerializationException("The body is not JSON") from None
        call = Call(operation, shapes.check(operation, body), self._cognito)
        for attribute in call.parameters.get("UserAttributes", []):
            attribute["Value"] = attribute.get("Value") or ""  # optional, but moto requires it
        if "IpAddress" in call.parameters.get("UserContextData", {}):
            self._cognito.caller_address = call.parameters["UserContextData"]["IpAddress"]
        if operation in OPERATIONS:
            return HTTPStatus.OK, _JSON, json.dumps(OPERATIONS[operation](call))
        if not hasattr(self, camelcase_to_underscores(operation)):
            raise not_implemented(operation)
        references.check(call)
        admin.normalize_username(call)
        if operation in admin.CHECKS:
            admin.CHECKS[operation](call)
        self.body = json.dumps(call.parameters)
        # moto reads parameters from the body as a form before it reads the JSON: a password
        # "x&Username=bob" would set the user name.
        self.querystring = {}
        status, headers, content = self.call_action()
        if headers.get("X-Amzn-ErrorType") == "InvalidToken":  # which Cognito does not have
            raise InvalidParameterException("Invalid pagination token.")
        return status, headers, content

    def admin_create_user(self) -> ActionResult:
        """Create a user; RESEND returns the existing one."""
        if self._get_param("MessageAction") == "RESEND":
            return ActionResult({"User": self._stored_user().to_json(extended=True)})
        return super().admin_create_user()

    def admin_get_user(self) -> ActionResult:
        """Return a user with all second factors; moto does not know e-mail."""
        answer = super().admin_get_user()
        shown = cast("dict[str, Any]", answer.result)
        unknown = {"UserMFASettingList", "PreferredMfaSetting", "MFAOptions"}
        known = {name: value for name, value in shown.items() if name not in unknown}
        return ActionResult(known | mfa_preferences.settings(self._cognito, self._stored_user()))

    def _stored_user(self) -> User:
        pool_id, username = self._get_param("UserPoolId"), self._get_param("Username")
        return self.backend.admin_get_user(pool_id, username)

    def create_user_pool(self) -> ActionResult:
        """Create a pool with all standard attributes, and the second factor of the call."""
        described = cast("dict[str, Any]", super().create_user_pool().result)["UserPool"]
        pool = self.backend.describe_user_pool(described["Id"])
        pool_factors.complete_new_pool(pool)
        return ActionResult({"UserPool": pool.to_json(extended=True)})

    def create_user_pool_client(self) -> ActionResult:
        """Create a client whose secret has the form of the service model; moto's has not."""
        answer = super().create_user_pool_client()
        described = cast("dict[str, dict[str, Any]]", answer.result)["UserPoolClient"]
        client = self._stored_client(described["UserPoolId"], described["ClientId"])
        client.secret = "".join(secrets.choice(_SECRET_CHARACTERS) for _ in range(_SECRET_LENGTH))
        client.extended_config |= {"CreationDate": self._now(), "LastModifiedDate": self._now()}
        return ActionResult({"UserPoolClient": client.to_json(extended=True)})

    def update_user_pool_client(self) -> ActionResult:
        """Update a client; what the call leaves out gets its default."""
        client = self._stored_client(self._get_param("UserPoolId"), self._get_param("ClientId"))
        before = client.extended_config
        kept: dict[str, Any] = {name: before[name] for name in KEPT if name in before}
        fresh = Client(client.user_pool_id, client.generate_secret, kept).extended_config
        client.extended_config = fresh | {"LastModifiedDate": self._now()}
        return super().update_user_pool_client()

    def _stored_client(self, pool_id: str, client_id: str) -> Client:
        return self.backend.describe_user_pool_client(pool_id, client_id)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._cognito.now(), UTC)
