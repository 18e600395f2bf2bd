"""The known causes of failed AWS calls, and what an operator can do about each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import (
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProxyConnectionError,
    SSLError,
    SSOError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from service.observability.upstream_calls import COGNITO, DYNAMODB

CA_BUNDLE: Final = "AWS_CA_BUNDLE"
CLIENT_ID: Final = "[aws.cognito] client-id"
CLIENT_SECRET: Final = "[aws.cognito] client-secret"  # noqa: S105 -- the name of a setting
CREDENTIALS: Final = "credentials"
IAM_POLICY: Final = "IAM policy"
PROXY: Final = "HTTPS_PROXY"
REGION: Final = "[aws] region"
TABLE: Final = "[aws.dynamodb] user-profile-table"
USER_POOL_ID: Final = "[aws.cognito] user-pool-id"


@dataclass(frozen=True, slots=True)
class Cause:
    """
    A cause of failed calls: the *setting* that is concerned, and what to do.

    Error responses are recognized by *code*, *message* and, if it is set, *upstream*. A cause without a
    *message* has any; AWS puts nothing that a user sent into those that are named.
    """

    code: str
    setting: str
    advice: str
    message: re.Pattern[str] | None = None
    upstream: str | None = None


KEY_ADVICE: Final = (
    "The table must have the partition key userId (String) and the sort key createdAt (String), which "
    "cannot be changed later: create another table with `python -m service setup`."
)
CAUSES: Final = (
    Cause(
        "NotAuthorizedException",
        CLIENT_SECRET,
        "The app client has a secret: set AWS_COGNITO_CLIENT_SECRET to it, or use an app client without.",
        re.compile(r"secret but (?:secret|SECRET_HASH) was not received"),
        COGNITO,
    ),
    Cause(
        "NotAuthorizedException",
        CLIENT_SECRET,
        "The secret is wrong: set AWS_COGNITO_CLIENT_SECRET to that of the app client.",
        re.compile(r"SecretHash does not match"),
        COGNITO,
    ),
    Cause(
        "NotAuthorizedException",
        CLIENT_SECRET,
        "The secret is wrong, or superfluous: set AWS_COGNITO_CLIENT_SECRET to that of the app client, "
        "or remove it if the app client has none.",
        re.compile(r"Unable to verify secret"),
        COGNITO,
    ),
    Cause(
        "InvalidParameterException",
        CLIENT_ID,
        "Enable the flow at the app client: add ALLOW_USER_PASSWORD_AUTH, for sign-in by choice "
        "ALLOW_USER_AUTH, and for that by triggers ALLOW_CUSTOM_AUTH, to its ExplicitAuthFlows.",
        re.compile(
            r"not enabled for th(?:is|e) client|method not supported|trigger is not configured"
        ),
        COGNITO,
    ),
    Cause(
        "ResourceNotFoundException",
        CLIENT_ID,
        "The id of the app client is wrong, or the app client is in another region: compare "
        "AWS_COGNITO_CLIENT_ID and AWS_REGION with the user pool's.",
        re.compile(r"^User pool client \S+ does not exist"),
        COGNITO,
    ),
    Cause(
        "ResourceNotFoundException",
        USER_POOL_ID,
        "The id of the user pool is wrong, or the pool is in another region: compare "
        "AWS_COGNITO_USER_POOL_ID and AWS_REGION with the pool's.",
        re.compile(r"^User pool \S+ does not exist"),
        COGNITO,
    ),
    Cause(
        "ResourceNotFoundException",
        USER_POOL_ID,
        "An id is wrong, or the pool is in another region: compare AWS_COGNITO_USER_POOL_ID, "
        "AWS_COGNITO_CLIENT_ID and AWS_REGION with the pool's.",
        upstream=COGNITO,
    ),
    Cause(
        "ResourceNotFoundException",
        TABLE,
        "There is no such table in this region: create it with `python -m service setup`, or correct "
        "AWS_DYNAMODB_USER_PROFILE_TABLE or AWS_REGION.",
        re.compile(r"^(Requested resource|Cannot do operations on a non-existent table)"),
        DYNAMODB,
    ),
    Cause(
        "ResourceNotFoundException",
        TABLE,
        "There is no such table in this region: create it with `python -m service setup`, or correct "
        "AWS_DYNAMODB_USER_PROFILE_TABLE or AWS_REGION.",
        upstream=DYNAMODB,
    ),
    Cause(
        "ValidationException",
        TABLE,
        KEY_ADVICE,
        re.compile(
            r"does not match the schema|missed key schema element|Missing the key "
            r"|Type mismatch for key |Condition parameter type does not match schema type"
        ),
        DYNAMODB,
    ),
    Cause(
        "AccessDeniedException",
        IAM_POLICY,
        "Give the role of the service the rights of deploy/iam-policy.json, with the account, the region "
        "and the name of this table in its Resource.",
        upstream=DYNAMODB,
    ),
    Cause("AccessDeniedException", IAM_POLICY, "Give these credentials the right that is named."),
    *(
        Cause(
            code,
            CREDENTIALS,
            "The access key is unknown to AWS, or of another partition: correct AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or remove them so that the role of the task is used.",
        )
        for code in ("UnrecognizedClientException", "InvalidClientTokenId")
    ),
    *(
        Cause(code, CREDENTIALS, "The credentials have expired: get new ones.")
        for code in ("ExpiredTokenException", "ExpiredToken")
    ),
    *(
        Cause(
            code,
            CREDENTIALS,
            "AWS STS refuses to give the role: correct AWS_ROLE_ARN, or the role's trust policy.",
        )
        for code in ("AccessDenied", "InvalidIdentityToken", "IDPCommunicationError")
    ),
    *(
        Cause(
            code,
            CREDENTIALS,
            "The secret access key does not belong to the access key, or the clock of this machine is "
            "wrong: correct AWS_SECRET_ACCESS_KEY, or set the clock.",
        )
        for code in ("InvalidSignatureException", "SignatureDoesNotMatch")
    ),
    Cause(
        "InvalidUserPoolConfigurationException",
        USER_POOL_ID,
        "The configuration of the user pool is invalid: look at its triggers and its senders.",
    ),
    *(
        Cause(
            code,
            USER_POOL_ID,
            "The user pool may not send messages: correct the role or the SES identity in its "
            "EmailConfiguration or SmsConfiguration.",
        )
        for code in (
            "InvalidEmailRoleAccessPolicyException",
            "InvalidSmsRoleAccessPolicyException",
            "InvalidSmsRoleTrustRelationshipException",
        )
    ),
)
NO_CREDENTIALS: Final = Cause(
    NoCredentialsError.__name__,
    CREDENTIALS,
    "There are no credentials: on ECS, set taskRoleArn in the task definition; elsewhere set "
    "AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
)
PARTIAL_CREDENTIALS: Final = Cause(
    PartialCredentialsError.__name__,
    CREDENTIALS,
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set together.",
)
NOT_RETRIEVED: Final = Cause(
    CredentialRetrievalError.__name__,
    CREDENTIALS,
    "The credentials can't be fetched: look at the role of the task, and at what the environment or the "
    "AWS profile names as their source.",
)
SIGNED_OUT: Final = Cause(
    UnauthorizedSSOTokenError.__name__,
    CREDENTIALS,
    "The sign-in of the AWS profile has expired: run `aws sso login`.",
)
NO_CONNECTION: Final = Cause(
    EndpointConnectionError.__name__,
    REGION,
    "No connection: the region does not exist, or there is no way out by HTTPS (NAT gateway or VPC "
    "endpoint, security group, DNS; HTTPS_PROXY if there is a proxy).",
)
NO_PROXY_CONNECTION: Final = Cause(
    ProxyConnectionError.__name__,
    PROXY,
    "The proxy can't be reached, or refuses: correct HTTPS_PROXY with its user name and password, or "
    "name the host in NO_PROXY.",
)
UNTRUSTED: Final = Cause(
    SSLError.__name__,
    CA_BUNDLE,
    "The server's certificate is not trusted: set AWS_CA_BUNDLE to a file with the certificates of all "
    "authorities that are needed, such as that of a proxy that opens TLS.",
)
WITHOUT_RESPONSE: Final = (
    (NoCredentialsError, NO_CREDENTIALS),
    (PartialCredentialsError, PARTIAL_CREDENTIALS),
    (CredentialRetrievalError, NOT_RETRIEVED),
    (SSOError, SIGNED_OUT),
    (TokenRetrievalError, SIGNED_OUT),
    (ProxyConnectionError, NO_PROXY_CONNECTION),
    (SSLError, UNTRUSTED),
    (EndpointConnectionError, NO_CONNECTION),
)
