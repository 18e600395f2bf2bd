"""Bodies of password reset and password change."""

from marshmallow import Schema, fields

from service.api.schemas import account_fields


class ResetSchema(account_fields.MetadataSchema):
    """A new password, and the code that authorizes it."""

    username = account_fields.username()
    code = account_fields.code(required=True)
    password = account_fields.new_password(required=True)


class ChangePasswordSchema(Schema):
    """The current password, and the new one; *sign_out_others* ends all other sessions."""

    current_password = account_fields.password(required=True, data_key="currentPassword")
    new_password = account_fields.new_password(required=True, data_key="newPassword")
    sign_out_others = account_fields.StrictBoolean(load_default=False, data_key="signOutOthers")


class OthersNotSignedOutSchema(Schema):
    """The password was changed, and some of the other sessions may go on."""

    signed_out_others = fields.Boolean(
        required=True, data_key="signedOutOthers", metadata={"examples": [False]}
    )
