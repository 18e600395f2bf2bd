"""The bodies of signing in and out."""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from service.api.schemas import account_fields
from service.api.schemas.json_object import JsonObject
from service.domain.sessions import CUSTOM, Answer

# What a sign-in without a password may begin with; PASSWORD_SRP has no place in an HTTP API over TLS.
FIRST_FACTORS: Final = ("PASSWORD", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN", CUSTOM)


class Takes(NamedTuple):
    """What the answer to a challenge holds: exactly one of *one_of*, and perhaps some of *optional*."""

    one_of: tuple[str, ...]
    optional: tuple[str, ...] = ()


TAKES: Final[Mapping[str, Takes]] = {
    CUSTOM: Takes(("code",)),
    "EMAIL_OTP": Takes(("code",)),
    "MFA_SETUP": Takes(("choice", "code")),
    "NEW_PASSWORD_REQUIRED": Takes(("newPassword",), ("attributes",)),
    "PASSWORD": Takes(("password",)),
    "SELECT_CHALLENGE": Takes(("choice",), ("password", "credential")),
    "SELECT_MFA_TYPE": Takes(("choice",)),
    "SMS_MFA": Takes(("code",)),
    "SMS_OTP": Takes(("code",)),
    "SOFTWARE_TOKEN_MFA": Takes(("code",)),
    "WEB_AUTHN": Takes(("credential",)),
}


# What may come along with a choice, and with which.
CHOICES: Final[Mapping[str, str]] = {"credential": "WEB_AUTHN", "password": "PASSWORD"}


class LogInSchema(Schema):
    """A user name with its password, or alone to choose how to prove who it is."""

    username = account_fields.username()
    password = account_fields.password()
    preferred_challenge = fields.String(
        data_key="preferredChallenge", validate=validate.OneOf(FIRST_FACTORS)
    )

    @validates_schema
    def check_preference(self, data: Mapping[str, Any], **_: Any) -> None:  # noqa: ANN401 -- marshmallow's hook
        """Refuse a preference where there is nothing left to choose."""
        if "password" in data and "preferred_challenge" in data:
            raise ValidationError(["Leave it out, or the password."], "preferredChallenge")


class AnswerSchema(Schema):
    """An answer to a challenge: just what that challenge takes."""

    code = account_fields.code()
    new_password = account_fields.password(data_key="newPassword")
    attributes = account_fields.attributes()
    choice = account_fields.text(64)
    password = account_fields.password()
    credential = JsonObject()


class ChallengeAnswerSchema(Schema):
    """A challenge, by its name and session, and the answer to it."""

    example: Mapping[str, object] = {
        "name": "SOFTWARE_TOKEN_MFA",
        "session": "the session that logging in answered with",
        "username": "alice@example.com",
        "answer": {"code": "482913"},
    }

    name = fields.String(required=True, validate=validate.OneOf(tuple(TAKES)))
    session = account_fields.token(required=True)
    username = account_fields.username()
    answer = fields.Nested(AnswerSchema, required=True)

    def __init__(self, *, writable_attributes: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._writable_attributes = writable_attributes

    @validates_schema
    def check_answer(self, data: Mapping[str, Any], **_: Any) -> None:  # noqa: ANN401 -- marshmallow's hook
        """Refuse what the challenge does not take, and an answer without what it needs."""
        takes = TAKES[data["name"]]
        given = {AnswerSchema._declared_fields[name].data_key or name for name in data["answer"]}  # noqa: SLF001 -- marshmallow offers no other way to a field's key
        wrong = {
            name: ["This challenge does not take it."]
            for name in given - {*takes.one_of, *takes.optional}
        }
        if "choice" in given:
            wrong |= {
                name: ["This choice does not take it."]
                for name, choice in CHOICES.items()
                if name in given.intersection(takes.optional) and data["answer"]["choice"] != choice
            }
        if len(given.intersection(takes.one_of)) != 1:
            needed = " or ".join(takes.one_of)
            wrong.setdefault(takes.one_of[0], [f"Send {needed}: this challenge needs it."])
        if wrong:
            raise ValidationError({"answer": wrong})

    @post_load
    def make(self, data: Mapping[str, Any], **_: Any) -> Answer:  # noqa: ANN401 -- marshmallow's hook
        """Return the answer; an attribute that callers may not set is refused by its name."""
        answer = {**data["answer"]}
        account_fields.check_writable(
            answer.get("attributes", {}), self._writable_attributes, inside="answer"
        )
        if "credential" in answer:
            answer["credential"] = json.dumps(answer["credential"], separators=(",", ":"))
        return Answer(
            name=data["name"], session=data["session"], username=data["username"], **answer
        )


class RefreshSchema(Schema):
    """A refresh token."""

    refresh_token = account_fields.token(required=True, data_key="refreshToken")


class LogOutSchema(Schema):
    """Which sessions end: the refresh token's, or all."""

    refresh_token = account_fields.token(load_default=None, data_key="refreshToken")
    everywhere = account_fields.StrictBoolean(load_default=False, metadata={"examples": [True]})


class ChallengeSchema(Schema):
    """What is asked for before tokens are given, in Cognito's own names."""

    name = fields.String(required=True, metadata={"examples": ["SOFTWARE_TOKEN_MFA"]})
    session = fields.String()
    parameters = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    available = fields.List(fields.String())


class TokensSchema(Schema):
    """A signed-in user's tokens."""

    user_id = fields.String(required=True, data_key="userId")
    id_token = fields.String(required=True, data_key="idToken")
    access_token = fields.String(required=True, data_key="accessToken")
    refresh_token = fields.String(data_key="refreshToken")
    token_type = fields.String(
        required=True, data_key="tokenType", validate=validate.Equal("Bearer")
    )
    expires_in = fields.Integer(
        required=True, data_key="expiresIn", metadata={"description": "Seconds."}
    )


class ChallengedSchema(Schema):
    """A sign-in that is not complete yet."""

    challenge = fields.Nested(ChallengeSchema, required=True)
