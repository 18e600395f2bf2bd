"""The bodies of resetting and changing a password."""

from marshmallow import Schema

from service.api.schemas import account_fields


class ResetSchema(Schema):
    """A new password, and the code that allows it."""

    username = account_fields.username()
    code = account_fields.code(required=True)
    password = account_fields.password(required=True)


class ChangePasswordSchema(Schema):
    """The password in use, and the one to use from now on."""

    current_password = account_fields.password(required=True, data_key="currentPassword")
    new_password = account_fields.password(required=True, data_key="newPassword")
