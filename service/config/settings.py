"""The configuration: all settings as frozen values, a class for each section of config.ini."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from service.config.account_settings import AuthConfig, AuthConfigConfig
from service.config.address_fields import Url
from service.config.aws_settings import AwsConfig, CognitoConfig, DynamoDBConfig, UpstreamsConfig
from service.config.federation_settings import FederationConfig
from service.config.fields import (
    DEFINITION,
    Network,
    Section,
    Setting,
    integer,
    number,
    one_of,
    setting,
    text,
)
from service.config.http_settings import CorsConfig, IdentityConfig, ServerConfig
from service.config.limit_settings import LimitsConfig
from service.config.service_settings import ServicesConfig

__all__ = [
    "ActivityConfig",
    "AuthConfig",
    "AuthConfigConfig",
    "AwsConfig",
    "CognitoConfig",
    "Config",
    "CorsConfig",
    "DynamoDBConfig",
    "FederationConfig",
    "IdentityConfig",
    "LimitsConfig",
    "LogConfig",
    "Network",
    "ProfileConfig",
    "ServerConfig",
    "ServicesConfig",
    "TracingConfig",
    "UpstreamsConfig",
]


@dataclass(frozen=True, slots=True)
class ProfileConfig(Section):
    """Profiles."""

    section: ClassVar[str] = "profile"

    schema: str = setting(
        text(r"\w+(\.\w+)*:\w+", "of the form package.module:Class"),
        "service.api.schemas.profiles:ProfileSchema",
        "The marshmallow schema of a profile's fields: the default or a subclass of it.",
    )
    history_days: int = setting(
        integer(0, 3_650),
        "0",
        "Days for which past versions of profiles are kept, for users to read and to return to. 0: none "
        "are kept, and each write of a profile is one write to DynamoDB instead of two.",
    )


@dataclass(frozen=True, slots=True)
class ActivityConfig(Section):
    """What users can read about the use of their accounts (GET /v1/user/activity)."""

    section: ClassVar[str] = "activity"

    days: int = setting(
        integer(0, 3_650),
        "0",
        "Days for which sign-ins, refusals and changes are kept for their user to read. 0: none are "
        "stored. Each event costs four write capacity units.",
    )


@dataclass(frozen=True, slots=True)
class LogConfig(Section):
    """The log, which goes to standard output."""

    section: ClassVar[str] = "log"

    level: Literal["debug", "info", "warning", "error"] = setting(
        one_of("debug", "info", "warning", "error", warn="warning"),
        "info",
        "The lowest level that is logged.",
    )
    format: Literal["json", "console"] = setting(
        one_of("json", "console"), "json", "JSON, an event on each line, or coloured text."
    )
    identities: Literal["plain", "hashed"] = setting(
        one_of("plain", "hashed"),
        "plain",
        "How user names, subs and addresses are logged: as they are, or as HMAC-SHA256 with hash-key.",
    )
    hash_key: str | None = setting(
        text(r".{16,}", "a text of at least 16 characters"),
        "",
        "The key of hashed identities, which need it. Set it as an environment variable rather than in a "
        "file. User names that were refused are always hashed; without this key, with one that each "
        "process generates.",
        secret=True,
    )


@dataclass(frozen=True, slots=True)
class TracingConfig(Section):
    """OpenTelemetry traces, for which `user-profile-service[tracing]` must be installed."""

    section: ClassVar[str] = "tracing"

    otlp_endpoint: str | None = setting(
        Url(),
        "",
        "The URL of the collector, which receives OTLP over HTTP. Empty: no traces.",
        example="http://localhost:4318",
    )
    # https://docs.aws.amazon.com/xray/latest/devguide/xray-console-sampling.html
    sample_ratio: float = setting(
        number(0, 1),
        "0.05",
        "The share of requests without a trace that are traced: X-Ray's default. A request that brings "
        "one (traceparent, or X-Amzn-Trace-Id with a Parent) decides itself.",
    )


@dataclass(frozen=True, slots=True)
class Config:
    """All settings; its repr holds no secret."""

    aws: AwsConfig
    cognito: CognitoConfig
    dynamodb: DynamoDBConfig
    upstreams: UpstreamsConfig
    identity: IdentityConfig
    server: ServerConfig
    cors: CorsConfig
    auth: AuthConfig
    auth_config: AuthConfigConfig
    federation: FederationConfig
    services: ServicesConfig
    limits: LimitsConfig
    profile: ProfileConfig
    activity: ActivityConfig
    log: LogConfig
    tracing: TracingConfig

    @property
    def bearer_client_ids(self) -> tuple[str, ...]:
        """The app clients whose access tokens are accepted."""
        return self.identity.bearer_client_ids or (self.cognito.client_id,)

    @property
    def client_ids(self) -> frozenset[str]:
        """All app clients that the settings name."""
        return frozenset(
            {
                self.cognito.client_id,
                self.alb_client_id,
                *self.identity.bearer_client_ids,
                *self.services.clients,
            }
        )

    @property
    def alb_client_id(self) -> str:
        """The app client with which the load balancer authenticates users."""
        return self.identity.alb_client_id or self.cognito.client_id

    def loggable(self) -> dict[str, dict[str, Any]]:
        """Return the settings as JSON values by section and key; a secret is only said to be set."""
        return {
            section.section: {
                key: _loggable(definition, getattr(getattr(self, name), attribute(key)))
                for key, definition in definitions(section).items()
            }
            for name, section in SECTIONS.items()
        }


SECTIONS: Mapping[str, type[Section]] = {  # by the field of Config
    field.name: field.type for field in dataclasses.fields(Config) if isinstance(field.type, type)
}


def definitions(section: type[Section]) -> Mapping[str, Setting]:
    """Return the settings of a section by key: the name of the dataclass field, with `-` for `_`."""
    return {
        field.name.replace("_", "-"): field.metadata[DEFINITION]
        for field in dataclasses.fields(section)
    }


def attribute(key: str) -> str:
    """Return the name of the dataclass field of a key."""
    return key.replace("-", "_")


def environment_name(section: str, key: str) -> str:
    """Return the environment variable that overrides a setting."""
    return f"{section}_{key}".upper().replace(".", "_").replace("-", "_")


def _loggable(definition: Setting, value: Any) -> Any:  # noqa: ANN401 -- settings have many types
    if definition.secret:
        return value if value is None else "(set)"
    if isinstance(value, tuple):
        return [str(item) for item in value]
    return value
