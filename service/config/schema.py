"""The schema that each section of the configuration must meet, with every default and bound."""

from collections.abc import Mapping
from ipaddress import ip_network

from marshmallow import fields, validate

from service.config.fields import Endpoint, Networks, SectionSchema, Words, count, rate, seconds
from service.config.settings import (
    AuthConfig,
    AuthConfigConfig,
    AwsConfig,
    CognitoConfig,
    CorsConfig,
    DynamoDBConfig,
    IdentityConfig,
    LimitsConfig,
    LogConfig,
    ProfileConfig,
    ServerConfig,
    TracingConfig,
    UpstreamsConfig,
)

LOOPBACK_NETWORKS = "127.0.0.0/8 ::1/128"
PRIVATE_NETWORKS = (  # loopback, then RFC 1918 and RFC 4193
    "127.0.0.0/8 ::1/128 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7"
)
STANDARD_ATTRIBUTES = (  # OpenID Connect Core 1.0, section 5.1, as far as Cognito lets a user write them
    "address birthdate email family_name gender given_name locale middle_name name nickname "
    "phone_number picture preferred_username profile website zoneinfo"
)
FIRST_FACTORS = ("PASSWORD", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN")  # Cognito's AuthFactorType
SECOND_FACTORS = ("SOFTWARE_TOKEN_MFA", "SMS_MFA", "EMAIL_OTP")  # of Cognito's ChallengeNameType
PASSWORD_PARTS = ("lowercase", "uppercase", "digits", "symbols")  # Cognito's default policy
MIN_HASH_KEY_CHARACTERS = 16
# A name, an IPv4 address, or an IPv6 address in brackets; no port.
HOST = r"(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])\Z"
URL = r"https?://\S+\Z"
ALB_ARN = r"arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:loadbalancer/app/[\w-]+/\w+\Z"


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
    connect_timeout_s = seconds("1", longest=60)
    read_timeout_s = seconds("6", longest=60)
    send_client_address = fields.Boolean(load_default=False)


class DynamoDBSection(SectionSchema):
    """`[aws.dynamodb]`."""

    section = "aws.dynamodb"
    value = DynamoDBConfig

    user_profile_table = fields.String(
        load_default="user-profiles", validate=validate.Regexp(r"[a-zA-Z0-9_.-]{3,255}\Z")
    )
    endpoint_url = Endpoint()
    consistent_read = fields.Boolean(load_default=True)
    batched_reads = count("8", most=100)
    sort_key_cache_size = count("100000", most=10_000_000)
    transport = fields.String(load_default="fast", validate=validate.OneOf(("fast", "botocore")))
    connect_timeout_s = seconds("1", longest=60)
    read_timeout_s = seconds("2", longest=60)


class UpstreamsSection(SectionSchema):
    """`[upstreams]`."""

    section = "upstreams"
    value = UpstreamsConfig

    breaker_failures = count("20", most=10_000)
    breaker_open_s = seconds("1", longest=60)


class IdentitySection(SectionSchema):
    """`[identity]`."""

    section = "identity"
    value = IdentityConfig

    sources = Words(
        load_default=("bearer", "header"),
        choices=("alb", "bearer", "header"),
        validate=validate.Length(min=1),
    )
    header_peers = Networks(load_default=tuple(map(ip_network, LOOPBACK_NETWORKS.split())))
    alb_arn = Words(load_default=(), each=ALB_ARN)
    alb_client_id = fields.String(load_default=None)
    alb_issuer = Words(load_default=(), each=URL)
    alb_key_url = Endpoint()
    clock_skew_s = fields.Float(load_default=5.0, validate=validate.Range(0, 60))
    verified_token_cache_size = fields.Integer(
        load_default=10_000, validate=validate.Range(0, 1_000_000)
    )


class ServerSection(SectionSchema):
    """`[server]`."""

    section = "server"
    value = ServerConfig

    host = fields.String(load_default="0.0.0.0")  # noqa: S104 -- a container is reached from outside it
    port = fields.Integer(load_default=8080, validate=validate.Range(0, 65_535))
    allowed_hosts = Words(load_default=(), each=HOST)
    trusted_proxies = Networks(load_default=tuple(map(ip_network, PRIVATE_NETWORKS.split())))
    proxy_hops = fields.Integer(load_default=1, validate=validate.Range(0, 10))
    workers = fields.Integer(load_default=1, validate=validate.Range(1, 256))
    metrics_port = fields.Integer(load_default=0, validate=validate.Range(0, 65_535))
    max_body_bytes = fields.Integer(
        load_default=262_144, validate=validate.Range(1_024, 10_485_760)
    )
    max_in_flight = fields.Integer(load_default=512, validate=validate.Range(1, 100_000))
    max_connections = fields.Integer(load_default=2_000, validate=validate.Range(1, 1_000_000))
    request_deadline_s = seconds("8", longest=300)
    header_timeout_s = seconds("10", longest=300)
    body_timeout_s = seconds("7", longest=300)
    write_timeout_s = seconds("6", longest=300)
    keep_alive_s = seconds("75", longest=4_000)  # a balancer's idle timeout is 4,000 s at most
    balancer_idle_s = fields.Float(load_default=60.0, validate=validate.Range(0, 4_000))
    drain_s = fields.Float(load_default=10.0, validate=validate.Range(0, 300))
    readiness_interval_s = seconds("2", longest=300)


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
    uniform_signup = fields.Boolean(load_default=False)
    answer_floor_ms = count("500", most=10_000)
    totp_issuer = fields.String(
        load_default="user-profile-service",
        validate=validate.Regexp(
            r"[^:\x00-\x1f\x7f]{1,64}\Z", error="write at most 64 characters, no colon"
        ),
    )


class AuthConfigSection(SectionSchema):
    """`[auth-config]`."""

    section = "auth-config"
    value = AuthConfigConfig

    sign_up = fields.Boolean(load_default=True)
    flows = Words(
        load_default=("USER_PASSWORD_AUTH",),
        choices=("USER_PASSWORD_AUTH", "USER_AUTH"),
        validate=validate.Length(min=1),
    )
    first_factors = Words(load_default=(), choices=FIRST_FACTORS)
    mfa = Words(load_default=("SOFTWARE_TOKEN_MFA",), choices=SECOND_FACTORS)
    passkeys = fields.Boolean(load_default=False)
    password_min_length = fields.Integer(
        load_default=8,
        validate=validate.Range(6, 99),  # PasswordPolicyMinLengthType
    )
    password_requires = Words(load_default=PASSWORD_PARTS, choices=PASSWORD_PARTS)


class LimitsSection(SectionSchema):
    """`[limits]`: calls per second, minute and hour, and at once; 0 is no limit."""

    section = "limits"
    value = LimitsConfig

    tasks = count("2", least=1, most=1_000)
    # Cognito's quotas for an account and region:
    # https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
    sign_in_per_s = rate("120")
    sign_up_per_s = rate("50")
    recovery_per_s = rate("30")
    token_per_s = rate("120")
    read_per_s = rate("120")
    update_per_s = rate("25")
    burst_s = fields.Float(load_default=30.0, validate=validate.Range(1, 60))
    address_burst = count("1000", most=100_000)
    address_per_s = rate("5")
    account_burst = count("30", most=100_000)
    account_per_min = rate("6")
    # Cognito's own limits for a user and hour; of resetting, the lowest that it may choose (5 to 20).
    confirm_per_h = count("15", most=1_000)
    resend_per_h = count("5", most=1_000)
    forgot_per_h = count("5", most=1_000)
    reset_per_h = count("5", most=1_000)
    sign_in_code_per_h = count("10", most=1_000)
    recipient_per_h = count("10", most=1_000)
    lockout_after = count("5", most=100)
    accounts_tracked = count("280000", least=1, most=10_000_000)


class ProfileSection(SectionSchema):
    """`[profile]`."""

    section = "profile"
    value = ProfileConfig

    schema = fields.String(
        load_default="service.api.schemas.profiles:ProfileSchema",
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
    identities = fields.String(load_default="plain", validate=validate.OneOf(("plain", "hashed")))
    hash_key = fields.String(
        load_default=None, validate=validate.Length(min=MIN_HASH_KEY_CHARACTERS)
    )


class TracingSection(SectionSchema):
    """`[tracing]`."""

    section = "tracing"
    value = TracingConfig

    otlp_endpoint = Endpoint()
    # As X-Ray does by its default rule: https://docs.aws.amazon.com/xray/latest/devguide/xray-console-sampling.html
    sample_ratio = fields.Float(load_default=0.05, validate=validate.Range(0, 1))


SECTIONS: Mapping[str, type[SectionSchema]] = {  # by the field of Config that each becomes
    "aws": AwsSection,
    "cognito": CognitoSection,
    "dynamodb": DynamoDBSection,
    "upstreams": UpstreamsSection,
    "identity": IdentitySection,
    "server": ServerSection,
    "cors": CorsSection,
    "auth": AuthSection,
    "auth_config": AuthConfigSection,
    "limits": LimitsSection,
    "profile": ProfileSection,
    "log": LogSection,
    "tracing": TracingSection,
}
