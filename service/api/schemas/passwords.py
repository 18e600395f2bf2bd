"""Bodies of password reset and password change."""

from marshmallow import Schema

from service.api.schemas import account_fields


class ResetSchema(account_fields.MetadataSchema):
    """A new password, and the code that authorizes it."""

    username = account_fields.username()
    code = account_fields.code(required=True)
    password = account_fields.new_password(required=True)


class ChangePasswordSchema(Schema):
    """The current password, and the new one."""

    current_password = account_fields.password(required=True, data_key="currentPassword")
    new_password = account_fields.new_password(required=True, data_key="newPassword")
