"""Translation of DynamoDB's errors."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from service.aws.errors import translated
from service.domain.errors import (
    ProfileChanged,
    ProfileTooLarge,
    ServiceError,
    UpstreamFault,
    UpstreamUnavailable,
)
from service.profile_store.errors import DYNAMODB_ERRORS, is_certain


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("ConditionalCheckFailed", ProfileChanged),
        ("TransactionConflict", ProfileChanged),
        ("ThrottlingError", UpstreamUnavailable),
        ("ProvisionedThroughputExceeded", UpstreamUnavailable),
        ("ValidationError", ProfileTooLarge),
        ("SomethingNew", UpstreamFault),
    ],
)
def test_cancelled_transaction_is_translated_by_its_reasons(
    reason: str, kind: type[ServiceError]
) -> None:
    """Only conflicts of a cancelled transaction are ProfileChanged."""
    response: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
        "CancellationReasons": [{"Code": "None"}, {"Code": reason}],
    }

    with pytest.raises(kind), translated(DYNAMODB_ERRORS):
        raise ClientError(response, "TransactWriteItems")


@pytest.mark.parametrize(
    ("name", "status", "retries", "certain"),
    [
        ("TransactionConflictException", 400, 0, True),
        ("ThrottlingException", 400, 0, True),
        ("TransactionConflictException", 400, 1, False),
        ("TransactionInProgressException", 400, 2, False),
        ("InternalServerError", 500, 0, False),
    ],
)
def test_error_is_certain_only_in_answer_to_the_first_attempt(
    name: str, status: int, retries: int, *, certain: bool
) -> None:
    """After a retry, or with a status of 500, the write may have been applied."""
    response: Any = {
        "Error": {"Code": name, "Message": "refused"},
        "ResponseMetadata": {"HTTPStatusCode": status, "RetryAttempts": retries},
    }

    with pytest.raises(ServiceError) as refused, translated(DYNAMODB_ERRORS):
        raise ClientError(response, "UpdateItem")

    assert is_certain(refused.value) is certain
