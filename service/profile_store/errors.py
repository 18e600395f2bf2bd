"""What DynamoDB's refusals mean, and whether they leave open what became of the write."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError

from service.aws.errors import RETRY_AFTER_S, ErrorTable
from service.domain.errors import (
    Misconfigured,
    ProfileChanged,
    ProfileTooLarge,
    ServiceError,
    UpstreamFault,
    UpstreamUnavailable,
)
from service.profile_store.items import Item


def _not_valid(error: ClientError) -> ServiceError:
    """Mean ValidationException: an item over 400 KB, or a defect of ours, told apart by the message."""
    too_large = "size" in error.response["Error"].get("Message", "").lower()
    return ProfileTooLarge() if too_large else UpstreamFault()


def _transaction_cancelled(error: ClientError) -> ServiceError:
    """Mean a cancelled transaction by its reasons."""
    reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", ())}
    if reasons & {"ConditionalCheckFailed", "TransactionConflict"}:
        return ProfileChanged()
    if reasons & {"ProvisionedThroughputExceeded", "ThrottlingError"}:
        return UpstreamUnavailable(retry_after_s=RETRY_AFTER_S)
    if reasons & {"ItemCollectionSizeLimitExceeded", "ValidationError"}:
        return ProfileTooLarge()  # all else that DynamoDB validates is checked before
    return UpstreamFault()


DYNAMODB_ERRORS: ErrorTable = {
    "ConditionalCheckFailedException": ProfileChanged,
    "ProvisionedThroughputExceededException": UpstreamUnavailable,
    "ResourceNotFoundException": Misconfigured,  # there is no such table
    "TransactionCanceledException": _transaction_cancelled,
    "TransactionConflictException": ProfileChanged,
    "TransactionInProgressException": UpstreamUnavailable,  # our own first try still runs
    "ValidationException": _not_valid,
}

# What may be raised of a write although it was made.
AMBIGUOUS_ERRORS = (ProfileChanged, UpstreamUnavailable, UpstreamFault)


def is_certain(failure: ServiceError) -> bool:
    """
    Tell whether *failure* says for sure that the write was not made.

    Only an exception of DynamoDB's own in answer to the first try does: of an earlier one the
    reply may have been lost. Of its status 500 DynamoDB itself does not know.
    """
    response = _response(failure)
    metadata = response.get("ResponseMetadata", {"RetryAttempts": 1})
    status = metadata.get("HTTPStatusCode", 0)
    return not metadata.get("RetryAttempts") and status < HTTPStatus.INTERNAL_SERVER_ERROR


def may_still_apply(failure: ServiceError) -> bool:
    """
    Tell whether an earlier try, of which the reply may have been lost, may be made after *failure*.

    It may where the last try only met another's transaction: its condition was not looked at. One
    that was looked at and failed will never hold again, as no version and no write id comes back.
    """
    response = _response(failure)
    reasons = {reason.get("Code", "None") for reason in response.get("CancellationReasons", ())}
    met_another = isinstance(failure, ProfileChanged) and (
        response.get("Error", {}).get("Code") == "TransactionConflictException"
        or reasons - {"None"} == {"TransactionConflict"}
    )
    return met_another and not is_certain(failure)


def item_that_failed_it(failure: ServiceError) -> Item | None:
    """Return the item as DynamoDB found it when the condition failed, where it told."""
    return _response(failure).get("Item")


def _response(failure: ServiceError) -> Mapping[str, Any]:
    """Return the exception that DynamoDB answered with; nothing where it did not answer."""
    cause = failure.__cause__
    return cause.response if isinstance(cause, ClientError) else {}
