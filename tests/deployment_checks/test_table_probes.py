"""What DynamoDB answers to the probes, and what it says of the table."""

import pytest

from service.deployment_checks.results import Status
from service.deployment_checks.table_probes import (
    ACTIONS,
    Outcome,
    TableAddress,
    key_result,
    right_results,
)

TABLE = TableAddress("user-profiles", "ap-south-1", "123456789012", "task-role")
OK = Outcome("ok")
HELD_NOT = Outcome("ConditionalCheckFailedException")  # the condition that never holds
MISSING = Outcome("ResourceNotFoundException", "Requested resource not found")
INVALID = Outcome("ValidationException", "The provided key element does not match the schema")
DENIED = Outcome("AccessDeniedException", "is not authorized to perform: dynamodb:X")
UNANSWERED = Outcome("ConnectTimeoutError", "no answer", "Let it out.", answered=False)


@pytest.mark.parametrize(
    ("get", "query", "put", "update", "status", "detail"),
    [
        (OK, OK, HELD_NOT, HELD_NOT, Status.OK, "has the keys userId"),
        (MISSING, MISSING, MISSING, MISSING, Status.WRONG, "There is no table user-profiles"),
        (INVALID, OK, HELD_NOT, INVALID, Status.WRONG, "has no sort key"),
        (INVALID, INVALID, INVALID, INVALID, Status.WRONG, "has keys of other names"),
        (INVALID, OK, INVALID, INVALID, Status.WRONG, "has a key of another type"),
        (OK, INVALID, HELD_NOT, HELD_NOT, Status.WRONG, "has the keys swapped"),
        (DENIED, DENIED, DENIED, DENIED, Status.UNKNOWN, "The keys can't be probed"),
        (OK, DENIED, HELD_NOT, HELD_NOT, Status.UNKNOWN, "The keys can't be probed"),
        (UNANSWERED, UNANSWERED, UNANSWERED, UNANSWERED, Status.UNKNOWN, "did not answer"),
    ],
    ids=[
        "right",
        "missing",
        "no sort key",
        "other names",
        "number",
        "swapped",
        "no rights",
        "no right to query",
        "no answer",
    ],
)
def test_each_table_is_told_by_the_codes_alone(  # noqa: PLR0913, PLR0917 -- a row of the table
    get: Outcome, query: Outcome, put: Outcome, update: Outcome, status: Status, detail: str
) -> None:
    """DynamoDB Local 3.3.1 answers the rows so; its words differ from those of AWS, its codes do not."""
    outcomes = dict(zip(ACTIONS, (get, get, query, put, update), strict=True))

    result = key_result(outcomes, TABLE)

    assert (result.step, result.name, result.status) == (1, "table keys", status)
    assert detail in result.detail
    assert status is Status.OK or result.advice


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (OK, Status.OK),
        (HELD_NOT, Status.OK),
        (MISSING, Status.OK),
        (INVALID, Status.OK),
        (DENIED, Status.WRONG),
        (UNANSWERED, Status.UNKNOWN),
        (Outcome("UnrecognizedClientException", "?", "Correct AWS_ACCESS_KEY_ID."), Status.UNKNOWN),
        (Outcome("ThrottlingException", "slow down"), Status.UNKNOWN),
    ],
    ids=lambda value: value.code if isinstance(value, Outcome) else value,
)
def test_right_is_missing_only_if_access_is_denied(outcome: Outcome, status: Status) -> None:
    """IAM decides before DynamoDB looks at the table: any other refusal proves the right or nothing."""
    results = right_results(dict.fromkeys(ACTIONS, outcome), TABLE)

    assert [result.name for result in results] == [f"dynamodb:{action}" for action in ACTIONS]
    assert {(result.step, result.status) for result in results} == {(4, status)}


def test_denied_right_is_granted_by_one_command() -> None:
    """The command names the role and the table of the credentials."""
    (result, *_) = right_results(dict.fromkeys(ACTIONS, DENIED), TABLE)

    assert (
        "aws iam put-role-policy --role-name task-role --policy-name user-profiles" in result.advice
    )
    assert '"Resource": "arn:aws:dynamodb:ap-south-1:123456789012:table/user-profiles"' in (
        result.advice
    )


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-west-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_arn_is_of_the_partition(region: str, partition: str) -> None:
    """Other partitions have ARNs of their own; without credentials the account is a placeholder."""
    assert TableAddress("t", region).arn == f"arn:{partition}:dynamodb:{region}:ACCOUNT_ID:table/t"
