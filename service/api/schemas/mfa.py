"""Bodies of `/api/auth/mfa…`."""

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, post_load, validate

from service.api.schemas import account_fields
from service.domain.mfa import FACTORS, PASSKEY, PASSKEY_ALONE, MfaPreferences

MAX_DEVICE_NAME_CHARACTERS: Final = 131_072  # from the cognito-idp service model


class MfaPreferencesSchema(Schema):
    """The second factors to enable, and the preferred one."""

    example: Mapping[str, object] = {
        "enabled": ["SOFTWARE_TOKEN_MFA"],
        "preferred": "SOFTWARE_TOKEN_MFA",
    }

    enabled = fields.List(
        fields.String(validate=validate.OneOf((*FACTORS, PASSKEY))),
        required=True,
        metadata={
            "description": f"`{PASSKEY}`, beside another one only, makes a passkey both factors."
        },
    )
    preferred = fields.String(validate=validate.OneOf(FACTORS), load_default=None)

    @post_load
    def make(self, data: Mapping[str, Any], **_: Any) -> MfaPreferences:  # noqa: ANN401 -- marshmallow's hook
        """Return the preferences; raises ValidationError for factors that cannot be combined."""
        enabled, preferred = tuple(dict.fromkeys(data["enabled"])), data["preferred"]
        if preferred is not None and preferred not in enabled:
            raise ValidationError({"preferred": ["Must be one of the enabled factors."]})
        if enabled == (PASSKEY,):
            raise ValidationError({"enabled": [PASSKEY_ALONE]})
        return MfaPreferences(enabled, preferred)


class EnabledFactorsSchema(Schema):
    """The enabled second factors, and the preferred one."""

    enabled = fields.List(
        fields.String(), required=True, metadata={"examples": [["SOFTWARE_TOKEN_MFA"]]}
    )
    preferred = fields.String(metadata={"examples": ["SOFTWARE_TOKEN_MFA"]})


class TotpSecretSchema(Schema):
    """A TOTP secret, and its URI for a QR code."""

    secret = fields.String(required=True, metadata={"examples": ["JBSWY3DPEHPK3PXP"]})
    uri = fields.String(
        required=True,
        metadata={"examples": ["otpauth://totp/alice%40example.com?secret=JBSWY3DPEHPK3PXP"]},
    )


class VerifyTotpSchema(Schema):
    """A code of the authenticator app, and a name for its device."""

    code = fields.String(
        required=True,
        validate=validate.Regexp(account_fields.TOTP_CODE, error="Must be six digits."),
        metadata={"examples": ["482913"]},
    )
    device_name = account_fields.text(
        MAX_DEVICE_NAME_CHARACTERS, load_default=None, data_key="deviceName"
    )
