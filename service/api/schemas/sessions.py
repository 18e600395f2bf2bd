"""Bodies of log-in, challenges, token refresh and log-out."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final, NamedTuple

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from service.api.schemas import account_fields
from service.api.schemas.json_object import JsonObject
from service.domain.sessions import CUSTOM, ChallengeAnswer

# The first factors of a sign-in without a password. PASSWORD_SRP is not needed: TLS protects passwords.
FIRST_FACTORS: Final = ("PASSWORD", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN", CUSTOM)


class Takes(NamedTuple):
    """The members of an answer to a challenge: exactly one of *one_of*, and any of *optional*."""

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


# Where the refresh token is in a cookie, a request needs no body; elsewhere an empty one is refused.
_NOT_EMPTY: Final[Mapping[str, object]] = {"minProperties": 1}

# The choice that each of these members is valid with.
CHOICES: Final[Mapping[str, str]] = {"credential": "WEB_AUTHN", "password": "PASSWORD"}


class LogInSchema(account_fields.MetadataSchema):
    """A user name, with a password or to choose another first factor."""

    json_schema: ClassVar[Mapping[str, object]] = {
        "not": {
            "required": ["password", "preferredChallenge"],
            "properties": {"password": {}, "preferredChallenge": {}},
        }
    }

    username = account_fields.username()
    password = account_fields.password()
    preferred_challenge = fields.String(
        data_key="preferredChallenge", validate=validate.OneOf(FIRST_FACTORS)
    )

    @validates_schema
    def check_preference(self, data: Mapping[str, Any], **_: Any) -> None:  # noqa: ANN401 -- marshmallow's hook
        """Reject a preferred challenge beside a password."""
        if "password" in data and "preferred_challenge" in data:
            raise ValidationError(
                ["Send either a password or a preferred challenge."], "preferredChallenge"
            )


class AnswerSchema(Schema):
    """An answer to a challenge, with the members that the challenge takes."""

    json_schema: ClassVar[Mapping[str, object]] = _NOT_EMPTY

    code = account_fields.code()
    new_password = account_fields.new_password(data_key="newPassword")
    attributes = account_fields.attributes()
    choice = account_fields.text(64)
    password = account_fields.password()
    credential = JsonObject()


class ChallengeAnswerSchema(account_fields.WritableAttributesSchema):
    """An answer to a challenge, with the challenge's name and session."""

    example: ClassVar[Mapping[str, object]] = {
        "name": "SOFTWARE_TOKEN_MFA",
        "session": "the-session-of-the-challenge",
        "username": "alice@example.com",
        "answer": {"code": "482913"},
    }

    name = fields.String(required=True, validate=validate.OneOf(tuple(TAKES)))
    session = account_fields.token(required=True)
    username = account_fields.username()
    answer = fields.Nested(AnswerSchema, required=True)

    @validates_schema
    def check_answer(self, data: Mapping[str, Any], **_: Any) -> None:  # noqa: ANN401 -- marshmallow's hook
        """Reject members that the challenge does not take, and an answer without a required one."""
        takes = TAKES[data["name"]]
        given = {AnswerSchema._declared_fields[name].data_key or name for name in data["answer"]}  # noqa: SLF001 -- marshmallow offers no other way to a field's key
        wrong = {
            name: ["This challenge does not take this member."]
            for name in given - {*takes.one_of, *takes.optional}
        }
        if "choice" in given:
            wrong |= {
                name: ["This choice does not take this member."]
                for name, choice in CHOICES.items()
                if name in given.intersection(takes.optional) and data["answer"]["choice"] != choice
            }
        if len(given.intersection(takes.one_of)) != 1:
            needed = " or ".join(takes.one_of)
            wrong.setdefault(takes.one_of[0], [f"This challenge requires {needed}."])
        if wrong:
            raise ValidationError({"answer": wrong})

    @post_load
    def make(self, data: Mapping[str, Any], **_: Any) -> tuple[ChallengeAnswer, Mapping[str, str]]:  # noqa: ANN401 -- marshmallow's hook
        """Return the answer and the metadata; raises ValidationError for attributes not writable."""
        answer = {**data["answer"]}
        self.check_writable(answer.get("attributes", {}), inside="answer")
        if "credential" in answer:
            answer["credential"] = json.dumps(
                answer["credential"], separators=(",", ":"), default=float
            )
        made = ChallengeAnswer(
            name=data["name"], session=data["session"], username=data["username"], **answer
        )
        return made, data["metadata"]


class RefreshSchema(account_fields.MetadataSchema):
    """A refresh token, unless it is in the cookie, with the device key if one came with it."""

    example: ClassVar[Mapping[str, object]] = {"refreshToken": "the-refreshToken-of-the-log-in"}

    json_schema: ClassVar[Mapping[str, object]] = _NOT_EMPTY

    refresh_token = account_fields.token(load_default=None, data_key="refreshToken")
    device_key = account_fields.token(load_default=None, data_key="deviceKey")


class LogOutSchema(Schema):
    """The sessions to end: that of a refresh token, here or in the cookie, or all."""

    json_schema: ClassVar[Mapping[str, object]] = _NOT_EMPTY

    refresh_token = account_fields.token(load_default=None, data_key="refreshToken")
    everywhere = account_fields.StrictBoolean(load_default=False, metadata={"examples": [True]})


_JWT: Final = {"examples": ["eyJraWQiOiJ3..."]}


class ChallengeSchema(Schema):
    """A challenge to answer before tokens are issued, with Cognito's names."""

    name = fields.String(required=True, metadata={"examples": ["SOFTWARE_TOKEN_MFA"]})
    session = fields.String(metadata={"examples": ["AYABeC1-y8qooiuys..."]})
    parameters = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"examples": [{"FRIENDLY_DEVICE_NAME": "phone"}]},
    )
    available = fields.List(
        fields.String(), metadata={"examples": [["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"]]}
    )


class TokensSchema(Schema):
    """The tokens of a signed-in user."""

    user_id = account_fields.text_like(account_fields.USER_ID, required=True, data_key="userId")
    id_token = fields.String(required=True, data_key="idToken", metadata=_JWT)
    access_token = fields.String(required=True, data_key="accessToken", metadata=_JWT)
    refresh_token = fields.String(
        data_key="refreshToken",
        metadata={
            "examples": ["eyJjdHkiOiJKV1Qi..."],
            "description": "Absent where the old one stays valid, or where the response sets a cookie.",
        },
    )
    device_key = fields.String(
        data_key="deviceKey",
        metadata={
            "examples": ["us-east-1_2b1f3c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d"],
            "description": "Only in user pools that remember devices: to be sent with the refresh token.",
        },
    )
    token_type = fields.String(
        required=True, data_key="tokenType", validate=validate.Equal("Bearer")
    )
    expires_in = fields.Integer(
        required=True,
        data_key="expiresIn",
        metadata={"examples": [3600], "description": "In seconds."},
    )


class ChallengedSchema(Schema):
    """A sign-in with a challenge to answer."""

    challenge = fields.Nested(ChallengeSchema, required=True)
