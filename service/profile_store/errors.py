"""DynamoDB's errors as errors of the domain, and whether a failed write may have been applied."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError

from service.aws.errors import RETRY_AFTER_S, ErrorTable
from service.aws.failure_advice import known_cause, message_of
from service.domain.errors import (
    Misconfigured,
    ProfileChanged,
    ProfileTooLarge,
    ServiceError,
    UpstreamFault,
    UpstreamUnavailable,
)
from service.observability.upstream_calls import DYNAMODB
from service.profile_store import items
from service.profile_store.items import Item, is_deleted


def _validation_failed(error: ClientError) -> ServiceError:
    """Translate ValidationException by its message: an item over 400 KB, other keys, or a defect."""
    if known_cause(error, DYNAMODB) is not None:
        return Misconfigured()
    too_large = "size" in message_of(error).lower()
    return ProfileTooLarge() if too_large else UpstreamFault()


def _transaction_cancelled(error: ClientError) -> ServiceError:
    """Translate TransactionCanceledException by its cancellation reasons."""
    reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", ())}
    if reasons & {"ConditionalCheckFailed", "TransactionConflict"}:
        return ProfileChanged()
    if reasons & {"ProvisionedThroughputExceeded", "ThrottlingError"}:
        return UpstreamUnavailable(retry_after_s=RETRY_AFTER_S)
    if reasons & {"ItemCollectionSizeLimitExceeded", "ValidationError"}:
        return ProfileTooLarge()  # all other limits are checked before the call
    return UpstreamFault()


DYNAMODB_ERRORS: ErrorTable = {
    "ConditionalCheckFailedException": ProfileChanged,
    "ProvisionedThroughputExceededException": UpstreamUnavailable,
    "ResourceNotFoundException": Misconfigured,  # the table does not exist
    "TransactionCanceledException": _transaction_cancelled,
    "TransactionConflictException": ProfileChanged,
    "TransactionInProgressException": UpstreamUnavailable,  # the first attempt is still running
    "ValidationException": _validation_failed,
}

# Errors that a write may raise although it was applied.
AMBIGUOUS_ERRORS = (ProfileChanged, UpstreamUnavailable, UpstreamFault)


def is_certain(failure: ServiceError) -> bool:
    """
    Return whether *failure* proves that the write was not applied.

    Only an exception with a status below 500 in answer to the first attempt does: the reply to an
    earlier attempt may have been lost, and after a status of 500 the outcome is undefined.
    """
    response = _response(failure)
    metadata = response.get("ResponseMetadata", {"RetryAttempts": 1})
    status = metadata.get("HTTPStatusCode", 0)
    return not metadata.get("RetryAttempts") and status < HTTPStatus.INTERNAL_SERVER_ERROR


def may_still_apply(failure: ServiceError) -> bool:
    """
    Return whether an earlier attempt, whose reply was lost, may still be applied after *failure*.

    It may where the last attempt conflicted with another transaction, as its condition was not
    evaluated. A condition that failed never holds again: versions and write ids do not recur.
    """
    response = _response(failure)
    reasons = {reason.get("Code", "None") for reason in response.get("CancellationReasons", ())}
    conflicted = isinstance(failure, ProfileChanged) and (
        response.get("Error", {}).get("Code") == "TransactionConflictException"
        or reasons - {"None"} == {"TransactionConflict"}
    )
    return conflicted and not is_certain(failure)


def is_condition_of_first_write(failure: ServiceError) -> bool:
    """Return whether the condition failed, in a transaction that of the first write."""
    response = _response(failure)
    reasons: Sequence[Mapping[str, object]] = response.get("CancellationReasons") or [{}]
    is_single_write: bool = (
        response.get("Error", {}).get("Code") == "ConditionalCheckFailedException"
    )
    return is_single_write or reasons[0].get("Code") == "ConditionalCheckFailed"


def conflicting_item(failure: ServiceError) -> Item | None:
    """Return the item on which the condition failed, where DynamoDB returned it with its key."""
    item: Item | None = _response(failure).get("Item")
    return item if item is not None and "S" in item.get(items.SORT_KEY, {}) else None


def found_no_profile(failure: ServiceError) -> bool:
    """Return whether the condition failed because the item is missing or marked as deleted."""
    response = _response(failure)
    failed = response.get("Error", {}).get("Code") == "ConditionalCheckFailedException"
    return failed and is_deleted(response.get("Item", {items.DELETED_AT: {"S": ""}}))


def _response(failure: ServiceError) -> Mapping[str, Any]:
    """Return DynamoDB's error response; empty where there was none."""
    cause = failure.__cause__
    return cause.response if isinstance(cause, ClientError) else {}
