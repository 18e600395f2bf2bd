"""The log names what a failed call was about, and what to do if the cause is known."""

from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
)
from structlog.testing import capture_logs

from service.aws.errors import translated
from service.aws.failure_advice import (
    MAX_MESSAGE_CHARACTERS,
    AwsResource,
    known_cause,
    message_of,
)
from service.cognito.refusals.errors import ERRORS
from service.domain.errors import InvalidCredentials, Misconfigured, ServiceError
from service.observability.upstream_calls import COGNITO, DYNAMODB
from service.profile_store.errors import DYNAMODB_ERRORS

REGION = "eu-west-1"
TABLE = AwsResource(DYNAMODB, REGION, table="user-profiles")
CLIENT = AwsResource(COGNITO, REGION, client_id="client")
SCHEMA_MISMATCH = "The provided key element does not match the schema"
DENIED = "User: arn:aws:sts::1:assumed-role/r/t is not authorized to perform: dynamodb:GetItem"


def _refusal(code: str, message: object, operation: str = "GetItem") -> ClientError:
    error: Any = {"Code": code, "Message": message}
    return ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}, operation)  # type: ignore[typeddict-item]  # -- as far as it is read


def _logged(error: Exception, resource: AwsResource, operation: str) -> dict[str, Any]:
    table = DYNAMODB_ERRORS if resource is TABLE else ERRORS[operation]
    with (
        capture_logs() as logs,
        pytest.raises(ServiceError),
        translated(table, resource, operation),
    ):
        raise error
    (line,) = logs
    return dict(line)


@pytest.mark.parametrize(
    ("code", "message", "setting", "advice"),
    [
        (
            "NotAuthorizedException",
            "Client client is configured for secret but secret was not received",
            "[aws.cognito] client-secret",
            "The app client has a secret",
        ),
        (
            "NotAuthorizedException",
            "Client client is configured with secret but SECRET_HASH was not received",
            "[aws.cognito] client-secret",
            "The app client has a secret",
        ),
        (
            "NotAuthorizedException",
            "SecretHash does not match for the client: client",
            "[aws.cognito] client-secret",
            "The secret is wrong: set",
        ),
        (
            "NotAuthorizedException",
            "Unable to verify secret hash for client client",
            "[aws.cognito] client-secret",
            "wrong, or superfluous",
        ),
        (
            "InvalidParameterException",
            "USER_PASSWORD_AUTH flow not enabled for this client",
            "[aws.cognito] client-id",
            "ALLOW_USER_PASSWORD_AUTH",
        ),
        (
            "ResourceNotFoundException",
            "User pool client client does not exist.",
            "[aws.cognito] client-id",
            "AWS_COGNITO_CLIENT_ID and AWS_REGION",
        ),
        (
            "ResourceNotFoundException",
            "User pool eu-west-1_x does not exist.",
            "[aws.cognito] user-pool-id",
            "AWS_COGNITO_USER_POOL_ID and AWS_REGION",
        ),
    ],
)
def test_known_refusal_of_cognito_is_logged_with_its_remedy(
    code: str, message: str, setting: str, advice: str
) -> None:
    """The line has Cognito's message, the app client, the region, the setting and what to do."""
    line = _logged(_refusal(code, message, "InitiateAuth"), CLIENT, "InitiateAuth")

    assert advice in line.pop("advice")
    assert line == {
        "event": "aws_call_failed",
        "log_level": "warning",
        "upstream": "cognito",
        "operation": "InitiateAuth",
        "error": code,
        "message": message,
        "client_id": "client",
        "region": REGION,
        "setting": setting,
    }


@pytest.mark.parametrize(
    ("code", "message", "setting", "advice"),
    [
        (
            "ResourceNotFoundException",
            "Requested resource not found",
            "[aws.dynamodb] user-profile-table",
            "python -m service setup",
        ),
        (
            "ValidationException",
            SCHEMA_MISMATCH,
            "[aws.dynamodb] user-profile-table",
            "partition key userId (String)",
        ),
        ("AccessDeniedException", DENIED, "IAM policy", "deploy/iam-policy.json"),
        ("UnrecognizedClientException", "invalid", "credentials", "AWS_ACCESS_KEY_ID"),
        ("ExpiredTokenException", "expired", "credentials", "expired"),
        ("InvalidSignatureException", "no match", "credentials", "clock"),
    ],
)
def test_known_refusal_of_dynamodb_is_logged_with_its_remedy(
    code: str, message: str, setting: str, advice: str
) -> None:
    """The line has DynamoDB's message, the table, the region, the setting and what to do."""
    line = _logged(_refusal(code, message), TABLE, "GetItem")

    assert advice in line.pop("advice")
    assert line == {
        "event": "aws_call_failed",
        "log_level": "warning",
        "upstream": "dynamodb",
        "operation": "GetItem",
        "error": code,
        "message": message,
        "table": "user-profiles",
        "region": REGION,
        "setting": setting,
    }


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (NoCredentialsError(), "taskRoleArn"),
        (PartialCredentialsError(provider="env", cred_var="x"), "must be set together"),
        (CredentialRetrievalError(provider="p", error_msg="m"), "role of the task"),
        (EndpointConnectionError(endpoint_url="https://x"), "NAT gateway"),
    ],
)
def test_call_without_an_answer_is_logged_with_its_remedy(error: Exception, advice: str) -> None:
    """Also a call that was never answered names operation, table and region."""
    line = _logged(error, TABLE, "Query")

    assert advice in line["advice"]
    assert (line["operation"], line["table"], line["region"]) == ("Query", "user-profiles", REGION)
    assert "message" not in line


def test_table_with_other_keys_is_the_operators() -> None:
    """A table of another shape is misconfigured, and no fault of DynamoDB's."""
    with pytest.raises(Misconfigured), translated(DYNAMODB_ERRORS, TABLE, "GetItem"):
        raise _refusal("ValidationException", SCHEMA_MISMATCH)


def test_message_that_may_be_about_a_user_is_not_logged() -> None:
    """A known code with other words is logged with its advice, and without the words."""
    line = _logged(
        _refusal("ResourceNotFoundException", "about alice", "GetUser"), CLIENT, "GetUser"
    )

    assert "AWS_COGNITO_USER_POOL_ID, AWS_COGNITO_CLIENT_ID" in line["advice"]
    assert "message" not in line


def test_wrong_password_is_not_logged() -> None:
    """What a user did wrong is no failure of the deployment."""
    refusal = _refusal("NotAuthorizedException", "Incorrect username or password.", "InitiateAuth")
    with (
        capture_logs() as logs,
        pytest.raises(InvalidCredentials),
        translated(ERRORS["InitiateAuth"], CLIENT, "InitiateAuth"),
    ):
        raise refusal

    assert logs == []


def test_message_is_one_bounded_line() -> None:
    """Whoever answers in place of AWS can't write lines into the log, or long ones."""
    message = message_of(_refusal("AccessDeniedException", "a\nb\x1b[31m" + "x" * 1_000))

    assert message.startswith("a b [31mx")
    assert len(message) == MAX_MESSAGE_CHARACTERS
    assert message_of(_refusal("AccessDeniedException", ["x"])) == ""


def test_same_code_of_another_service_has_another_cause() -> None:
    """A missing resource is an app client or a pool of Cognito, or a table of DynamoDB."""
    missing = _refusal("ResourceNotFoundException", "not found")

    causes = [known_cause(missing, upstream) for upstream in (COGNITO, DYNAMODB)]

    assert [cause.setting for cause in causes if cause is not None] == [
        "[aws.cognito] user-pool-id",
        "[aws.dynamodb] user-profile-table",
    ]
    assert known_cause(_refusal("ThrottlingException", "slow down")) is None
    assert known_cause(ValueError("not of AWS")) is None
