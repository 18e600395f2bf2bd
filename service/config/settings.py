"""Configuration: the settings as frozen values, a class for each section of `config.ini`."""

from dataclasses import dataclass, field, replace
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
    send_client_address: bool


@dataclass(frozen=True, slots=True)
class DynamoDBConfig:
    """`[aws.dynamodb]`: the table of profiles."""

    user_profile_table: str
    endpoint_url: str | None
    consistent_read: bool
    batched_reads: int
    sort_key_cache_size: int
    transport: Literal["fast", "botocore"]
    connect_timeout_s: float
    read_timeout_s: float


@dataclass(frozen=True, slots=True)
class UpstreamsConfig:
    """`[upstreams]`: what is done about Cognito, DynamoDB and key servers that do not work."""

    breaker_failures: int
    breaker_open_s: float


@dataclass(frozen=True, slots=True)
class IdentityConfig:
    """`[identity]`: whose word about the caller is taken."""

    sources: tuple[str, ...]
    header_peers: tuple[Network, ...]
    alb_arn: tuple[str, ...]
    alb_client_id: str | None
    alb_issuer: tuple[str, ...]
    alb_key_url: str | None
    clock_skew_s: float
    verified_token_cache_size: int


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """`[server]`: the HTTP side."""

    host: str
    port: int
    allowed_hosts: tuple[str, ...]
    trusted_proxies: tuple[Network, ...]
    proxy_hops: int
    workers: int
    metrics_port: int
    max_body_bytes: int
    max_in_flight: int
    max_connections: int
    request_deadline_s: float
    header_timeout_s: float
    body_timeout_s: float
    write_timeout_s: float
    keep_alive_s: float
    balancer_idle_s: float
    drain_s: float
    readiness_interval_s: float


@dataclass(frozen=True, slots=True)
class CorsConfig:
    """`[cors]`: the origins whose pages may call the service from a browser."""

    allowed_origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AuthConfig:
    """`[auth]`: what callers may do with accounts."""

    writable_attributes: tuple[str, ...]
    uniform_signup: bool
    answer_floor_ms: int
    totp_issuer: str


@dataclass(frozen=True, slots=True)
class AuthConfigConfig:
    """`[auth-config]`: what the deployment tells front ends of itself; the user pool decides."""

    sign_up: bool
    flows: tuple[str, ...]
    first_factors: tuple[str, ...]
    mfa: tuple[str, ...]
    passkeys: bool
    password_min_length: int
    password_requires: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    """`[limits]`: how many calls are sent on to Cognito; 0 is no limit."""

    tasks: int
    sign_in_per_s: float
    sign_up_per_s: float
    recovery_per_s: float
    token_per_s: float
    read_per_s: float
    update_per_s: float
    burst_s: float
    address_burst: int
    address_per_s: float
    account_burst: int
    account_per_min: float
    confirm_per_h: int
    resend_per_h: int
    forgot_per_h: int
    reset_per_h: int
    sign_in_code_per_h: int
    recipient_per_h: int
    lockout_after: int
    accounts_tracked: int

    def per_process(self, workers: int) -> "LimitsConfig":
        """Return the limits of one of *tasks* x *workers* processes: its share of the total rates."""
        share = 1 / (self.tasks * workers)
        return replace(
            self,
            sign_in_per_s=self.sign_in_per_s * share,
            sign_up_per_s=self.sign_up_per_s * share,
            recovery_per_s=self.recovery_per_s * share,
            token_per_s=self.token_per_s * share,
            read_per_s=self.read_per_s * share,
            update_per_s=self.update_per_s * share,
        )


@dataclass(frozen=True, slots=True)
class ProfileConfig:
    """`[profile]`: *schema* is the `package.module:Class` of the profile's fields."""

    schema: str


@dataclass(frozen=True, slots=True)
class LogConfig:
    """`[log]`: what is written to standard output, and how."""

    level: Literal["debug", "info", "warning", "error"]
    format: Literal["json", "console"]
    identities: Literal["plain", "hashed"] = "plain"
    hash_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class TracingConfig:
    """`[tracing]`: where traces are sent, None for nowhere, and which share of them."""

    otlp_endpoint: str | None
    sample_ratio: float


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
    limits: LimitsConfig
    profile: ProfileConfig
    log: LogConfig
    tracing: TracingConfig
