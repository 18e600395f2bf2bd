"""The bodies of a signed-in user's second factors."""

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, post_load, validate

from service.api.schemas import account_fields
from service.domain.mfa import FACTORS, MfaPreferences

MAX_DEVICE_NAME_CHARACTERS: Final = 131_072  # of the cognito-idp service model


class MfaPreferencesSchema(Schema):
    """The factors that sign-in asks for, and the one that it asks for first."""

    example: Mapping[str, object] = {
        "enabled": ["SOFTWARE_TOKEN_MFA"],
        "preferred": "SOFTWARE_TOKEN_MFA",
    }

    enabled = fields.List(fields.String(validate=validate.OneOf(FACTORS)), required=True)
    preferred = fields.String(validate=validate.OneOf(FACTORS), load_default=None)

    @post_load
    def make(self, data: Mapping[str, Any], **_: Any) -> MfaPreferences:  # noqa: ANN401 -- marshmallow's hook
        """Return the preferences; a preferred factor must be an enabled one."""
        enabled, preferred = tuple(dict.fromkeys(data["enabled"])), data["preferred"]
        if preferred is not None and preferred not in enabled:
            raise ValidationError({"preferred": ["Must be one of enabled."]})
        return MfaPreferences(enabled, preferred)


class EnabledFactorsSchema(Schema):
    """What is enabled."""

    enabled = fields.List(fields.String(), required=True)
    preferred = fields.String()


class TotpSecretSchema(Schema):
    """A secret for an authenticator app, and the address that a QR code shows to it."""

    secret = fields.String(required=True)
    uri = fields.String(required=True)


class VerifyTotpSchema(Schema):
    """A code of the app, and a name for the device that it is on."""

    code = fields.String(
        required=True,
        validate=validate.Regexp(account_fields.CODE_OF_AN_APP, error="Must be six digits."),
        metadata={"examples": ["482913"]},
    )
    device_name = account_fields.text(
        MAX_DEVICE_NAME_CHARACTERS, load_default=None, data_key="deviceName"
    )
