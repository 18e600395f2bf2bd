"""The schema that each section of the configuration must meet, with every default and bound."""

import re
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any, ClassVar
from urllib.parse import urlsplit

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from service.config import (
    AuthConfig,
    AwsConfig,
    CognitoConfig,
    CorsConfig,
    DynamoDBConfig,
    IdentityConfig,
    LogConfig,
    Network,
    ProfileConfig,
    ServerConfig,
)

PRIVATE_NETWORKS = (  # loopback, then RFC 1918 and RFC 4193
    "127.0.0.0/8 ::1/128 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7"
)
STANDARD_ATTRIBUTES = (  # OpenID Connect Core 1.0, section 5.1, as far as Cognito lets a user write them
    "address birthdate email family_name gender given_name locale middle_name name nickname "
    "phone_number picture preferred_username profile website zoneinfo"
)
URL = r"https?://\S+\Z"
ALB_ARN = r"arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:loadbalancer/app/[\w-]+/\w+\Z"


class Words(fields.Field[tuple[str, ...]]):
    """A list separated by white space; each word one of *choices*, and like *each*, where given."""

    def __init__(
        self,
        *,
        choices: tuple[str, ...] | None = None,
        each: str | None = None,
        **options: Any,  # noqa: ANN401 -- marshmallow's own field options
    ) -> None:
        super().__init__(**options)
        self._choices = choices
        self._each = re.compile(each) if each is not None else None

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[str, ...]:  # noqa: ANN401 -- marshmallow's hook
        words = tuple(str(value).split())
        wrong = [word for word in words if self._choices is not None and word not in self._choices]
        if wrong:
            raise ValidationError(f"{wrong[0]!r} is not one of {' '.join(self._choices or ())}")
        unlike = [word for word in words if self._each is not None and not self._each.match(word)]
        if unlike:
            raise ValidationError(f"{unlike[0]!r} is not of the form that is needed here")
        if len(set(words)) < len(words):
            raise ValidationError("names something twice")
        return words


class Networks(fields.Field[tuple[Network, ...]]):
    """IP networks in CIDR notation, separated by white space."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[Network, ...]:  # noqa: ANN401 -- marshmallow's hook
        try:
            return tuple(ip_network(word) for word in str(value).split())
        except ValueError as error:
            raise ValidationError(f"{error} (write networks such as 10.0.0.0/8)") from None


class Endpoint(fields.String):
    """
    An http(s) address, with any host name: compose's may hold an underscore.

    It is logged, so it holds no user name or password.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 -- marshmallow's own field options
        super().__init__(load_default=None, **options)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:  # noqa: ANN401 -- marshmallow's hook
        try:
            address = urlsplit(str(value))
            whole = address.scheme in ("http", "https") and address.hostname and address.port != 0
        except ValueError:
            whole = False
        if not whole or address.username is not None or " " in str(value):
            raise ValidationError("Not an address such as http://localhost:8000.")
        return str(value)


def _seconds(default: str, longest: int) -> fields.Float:
    return fields.Float(load_default=float(default), validate=validate.Range(0.001, longest))


class SectionSchema(Schema):
    """A section: its fields' names are the keys, with `-` for `_`."""

    section: ClassVar[str]
    value: ClassVar[type]

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Give each field its name in the file."""
        field_obj.data_key = field_name.replace("_", "-")

    @post_load
    def make(self, data: Mapping[str, Any], **_: Any) -> object:  # noqa: ANN401 -- marshmallow's hook
        """Return the section as its frozen value."""
        return self.value(**data)


class AwsSection(SectionSchema):
    """`[aws]`."""

    section = "aws"
    value = AwsConfig

    region = fields.String(required=True, validate=validate.Regexp(r"[a-z]{2,}(-[a-z]+)+-\d+\Z"))


class CognitoSection(SectionSchema):
    """`[aws.cognito]`."""

    section = "aws.cognito"
    value = CognitoConfig

    user_pool_id = fields.String(required=True, validate=validate.Regexp(r"[\w-]+_[0-9a-zA-Z]+\Z"))
    client_id = fields.String(required=True, validate=validate.Regexp(r"\S{1,128}\Z"))
    client_secret = fields.String(load_default=None)
    endpoint_url = Endpoint()
    issuers = Words(load_default=(), each=URL)
    jwks_url = Endpoint()
    connect_timeout_s = _seconds("1", longest=60)
    read_timeout_s = _seconds("6", longest=60)


class DynamoDBSection(SectionSchema):
    """`[aws.dynamodb]`."""

    section = "aws.dynamodb"
    value = DynamoDBConfig

    user_profile_table = fields.String(
        load_default="user-profiles", validate=validate.Regexp(r"[a-zA-Z0-9_.-]{3,255}\Z")
    )
    endpoint_url = Endpoint()
    consistent_read = fields.Boolean(load_default=True)
    connect_timeout_s = _seconds("1", longest=60)
    read_timeout_s = _seconds("2", longest=60)


class IdentitySection(SectionSchema):
    """`[identity]`."""

    section = "identity"
    value = IdentityConfig

    sources = Words(
        load_default=("header", "bearer"),
        choices=("alb", "bearer", "header"),
        validate=validate.Length(min=1),
    )
    trusted_proxies = Networks(load_default=tuple(map(ip_network, PRIVATE_NETWORKS.split())))
    alb_arn = Words(load_default=(), each=ALB_ARN)
    alb_client_id = fields.String(load_default=None)
    alb_issuer = Words(load_default=(), each=URL)
    alb_key_url = Endpoint()
    clock_skew_s = fields.Float(load_default=5.0, validate=validate.Range(0, 60))
    tokens_remembered = fields.Integer(load_default=10_000, validate=validate.Range(0, 1_000_000))

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def check_alb_arn(self, data: Mapping[str, Any], given: Mapping[str, str], **_: Any) -> None:  # noqa: ANN401 -- marshmallow's hook
        """Refuse the source alb without an ARN: the tokens of anybody's load balancer would do."""
        if "alb" in data.get("sources", ()) and not given.get("alb-arn"):
            raise ValidationError(["Must be set, because sources names alb."], "alb-arn")


class ServerSection(SectionSchema):
    """`[server]`."""

    section = "server"
    value = ServerConfig

    host = fields.String(load_default="0.0.0.0")  # noqa: S104 -- a container is reached from outside it
    port = fields.Integer(load_default=8080, validate=validate.Range(0, 65_535))
    max_body_bytes = fields.Integer(
        load_default=262_144, validate=validate.Range(1_024, 10_485_760)
    )
    max_in_flight = fields.Integer(load_default=512, validate=validate.Range(1, 100_000))
    request_deadline_s = _seconds("8", longest=300)
    readiness_interval_s = _seconds("2", longest=300)


class CorsSection(SectionSchema):
    """`[cors]`."""

    section = "cors"
    value = CorsConfig

    allowed_origins = Words(load_default=(), each=r"https?://[^/\s*]+\Z")


class AuthSection(SectionSchema):
    """`[auth]`."""

    section = "auth"
    value = AuthConfig

    writable_attributes = Words(load_default=tuple(STANDARD_ATTRIBUTES.split()))


class ProfileSection(SectionSchema):
    """`[profile]`."""

    section = "profile"
    value = ProfileConfig

    schema = fields.String(
        load_default="service.web.schemas.profiles:ProfileSchema",
        validate=validate.Regexp(r"\w+(\.\w+)*:\w+\Z", error="write package.module:Class"),
    )


class LogSection(SectionSchema):
    """`[log]`."""

    section = "log"
    value = LogConfig

    level = fields.String(
        load_default="info", validate=validate.OneOf(("debug", "info", "warning", "error"))
    )
    format = fields.String(load_default="json", validate=validate.OneOf(("json", "console")))


SECTIONS: Mapping[str, type[SectionSchema]] = {  # by the field of Config that each becomes
    "aws": AwsSection,
    "cognito": CognitoSection,
    "dynamodb": DynamoDBSection,
    "identity": IdentitySection,
    "server": ServerSection,
    "cors": CorsSection,
    "auth": AuthSection,
    "profile": ProfileSection,
    "log": LogSection,
}
