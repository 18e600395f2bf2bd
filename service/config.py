"""Configuration: the settings as frozen values, a class for each section of `config.ini`."""

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Literal, TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class AwsConfig:
    """`[aws]`: what all calls to AWS share."""

    region: str


@dataclass(frozen=True, slots=True)
class CognitoConfig:
    """`[aws.cognito]`: the user pool and its app client."""

    user_pool_id: str
    client_id: str
    client_secret: str | None = field(repr=False)
    endpoint_url: str | None
    issuers: tuple[str, ...]
    jwks_url: str | None
    connect_timeout_s: float
    read_timeout_s: float


@dataclass(frozen=True, slots=True)
class DynamoDBConfig:
    """`[aws.dynamodb]`: the table of profiles."""

    user_profile_table: str
    endpoint_url: str | None
    consistent_read: bool
    connect_timeout_s: float
    read_timeout_s: float


@dataclass(frozen=True, slots=True)
class IdentityConfig:
    """`[identity]`: whose word about the caller is taken."""

    sources: tuple[str, ...]
    trusted_proxies: tuple[Network, ...]
    alb_arn: tuple[str, ...]
    alb_client_id: str | None
    alb_issuer: tuple[str, ...]
    alb_key_url: str | None
    clock_skew_s: float
    tokens_remembered: int


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """`[server]`: the HTTP side."""

    host: str
    port: int
    max_body_bytes: int
    max_in_flight: int
    request_deadline_s: float
    readiness_interval_s: float


@dataclass(frozen=True, slots=True)
class CorsConfig:
    """`[cors]`: the origins whose pages may call the service from a browser."""

    allowed_origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AuthConfig:
    """`[auth]`: what callers may do with accounts."""

    writable_attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProfileConfig:
    """`[profile]`: *schema* is the `package.module:Class` of the profile's fields."""

    schema: str


@dataclass(frozen=True, slots=True)
class LogConfig:
    """`[log]`: what is written to standard output, and how."""

    level: Literal["debug", "info", "warning", "error"]
    format: Literal["json", "console"]


@dataclass(frozen=True, slots=True)
class Config:
    """All settings; its repr holds no secret."""

    aws: AwsConfig
    cognito: CognitoConfig
    dynamodb: DynamoDBConfig
    identity: IdentityConfig
    server: ServerConfig
    cors: CorsConfig
    auth: AuthConfig
    profile: ProfileConfig
    log: LogConfig
