"""What DynamoDB's refusals mean."""

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
def test_reason_of_a_cancelled_transaction_is_its_meaning(
    reason: str, kind: type[ServiceError]
) -> None:
    """Only where somebody else was there is a transaction worth another try."""
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
def test_refusal_is_certain_only_as_the_answer_to_the_first_try(
    name: str, status: int, retries: int, *, certain: bool
) -> None:
    """An earlier try may have been made without its reply, and a status 500 is no refusal."""
    response: Any = {
        "Error": {"Code": name, "Message": "refused"},
        "ResponseMetadata": {"HTTPStatusCode": status, "RetryAttempts": retries},
    }

    with pytest.raises(ServiceError) as refused, translated(DYNAMODB_ERRORS):
        raise ClientError(response, "UpdateItem")

    assert is_certain(refused.value) is certain
