"""The settings of Amazon Cognito and DynamoDB, and of failing upstreams."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from service.config.address_fields import Url, Urls
from service.config.fields import Flag, Section, integer, number, one_of, setting, text

SECONDS = number(0.001, 60)
REGION = r"[a-z]{2,}(-[a-z]+)+-\d+"
# Cognito makes [\w+]+, emulators also hyphens and dots. The id of a pool is no id of a client.
CLIENT_ID = r"(?![a-z]{2}-[a-z-]+-\d+_)[A-Za-z0-9_+.-]{1,128}"


@dataclass(frozen=True, slots=True)
class AwsConfig(Section):
    """What all calls to AWS share."""

    section: ClassVar[str] = "aws"

    region: str = setting(
        text(REGION, "the name of an AWS region"),
        "",
        "The region of the user pool and the table.",
        example="ap-south-1",
        required=True,
        variable="AWS_DEFAULT_REGION",
    )


@dataclass(frozen=True, slots=True)
class CognitoConfig(Section):
    """The user pool and its app client."""

    section: ClassVar[str] = "aws.cognito"

    user_pool_id: str = setting(
        text(r"(?=.{1,55}\Z)[A-Za-z0-9-]+_[0-9A-Za-z]+", "the id of a user pool"),
        "",
        "The id of the user pool; it begins with its region.",
        example="ap-south-1_AbCdEfGhI",
        required=True,
    )
    client_id: str = setting(
        text(CLIENT_ID, "the id of an app client"),
        "",
        "The id of the app client.",
        example="1example23456789abcdefghij",
        required=True,
    )
    client_secret: str | None = setting(
        text(r"\S+", "the secret of an app client, which has no white space"),
        "",
        "The secret of the app client, if it has one. Set it as an environment variable rather than "
        "in a file.",
        secret=True,
    )
    endpoint_url: str | None = setting(
        Url(), "", "The URL of Cognito if it is not AWS's.", example="http://localhost:5000"
    )
    issuers: tuple[str, ...] = setting(
        Urls(),
        "",
        "The issuers of access tokens that are accepted. Empty: both forms of the user pool's.",
        example="https://cognito-idp.ap-south-1.amazonaws.com/ap-south-1_AbCdEfGhI",
    )
    jwks_url: str | None = setting(
        Url(),
        "",
        "The URL of the user pool's public keys. Empty: at the user pool, where Cognito's calls go.",
        example="http://localhost:5000/jwks.json",
    )
    connect_timeout_s: float = setting(SECONDS, "1", "Seconds to connect.")
    read_timeout_s: float = setting(
        SECONDS, "6", "Seconds for each read. With connect-timeout-s, it bounds a whole attempt."
    )
    send_client_address: bool = setting(
        Flag(),
        "false",
        "Whether Cognito's threat protection is given the client's address instead of the service's. "
        "The app client needs a secret and EnablePropagateAdditionalUserContextData.",
    )


@dataclass(frozen=True, slots=True)
class DynamoDBConfig(Section):
    """The table of profiles."""

    section: ClassVar[str] = "aws.dynamodb"

    user_profile_table: str = setting(
        text(r"[a-zA-Z0-9_.-]{3,255}", "the name of a table"),
        "user-profiles",
        "The name of the table: partition key userId (S), sort key createdAt (S).",
    )
    endpoint_url: str | None = setting(
        Url(), "", "The URL of DynamoDB if it is not AWS's.", example="http://localhost:8000"
    )
    consistent_read: bool = setting(
        Flag(),
        "true",
        "Whether reads are strongly consistent, or eventually consistent at half the cost.",
    )
    batched_reads: int = setting(
        integer(0, 100),
        "64",
        "The number of calls in flight that read by key, shared by concurrent reads of different "
        "users; 0: each read is a call of its own.",
    )
    sort_key_cache_size: int = setting(
        integer(0, 10_000_000),
        "100000",
        "The largest number of users whose sort key (createdAt) is cached, at about 150 bytes each; of a "
        "full cache, the half that was used least recently is dropped. The read of any other user needs "
        "a further call.",
    )
    transport: Literal["fast", "botocore"] = setting(
        one_of("fast", "botocore"),
        "fast",
        "How calls are signed, sent and parsed: by this service (fast), or by botocore alone, at about "
        "twice the CPU.",
    )
    connect_timeout_s: float = setting(SECONDS, "1", "Seconds to connect.")
    read_timeout_s: float = setting(
        SECONDS, "2", "Seconds for each read. With connect-timeout-s, it bounds a whole attempt."
    )


@dataclass(frozen=True, slots=True)
class UpstreamsConfig(Section):
    """The circuit breakers: Cognito, DynamoDB and each server of public keys have one."""

    section: ClassVar[str] = "upstreams"

    breaker_failures: int = setting(
        integer(0, 10_000),
        "20",
        "The number of failures in a row (no response, or a status from 500) that opens a circuit "
        "breaker, after which calls are refused at once (503). 0: it never opens.",
    )
    breaker_open_s: float = setting(
        SECONDS, "1", "Seconds, up to twice as long, until one trial call is let through."
    )
