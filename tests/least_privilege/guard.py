"""
IAM in front of DynamoDB.

moto evaluates policies well, but with the wrong inputs (moto 5.2.5): it uses the resource `*` for every
call, checks an action TransactWriteItems that AWS does not have, and responds in XML. This module calls
its evaluation with the actions and resources of the Service Authorization Reference. Signatures are not
verified: proxies between a test and DynamoDB change the host that is signed.
"""

import functools
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from moto.iam.access_control import IAMPolicy, PermissionResult

from tests.least_privilege.policy import table_arn

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# DynamoDB developer guide, "Using IAM with DynamoDB transactions".
_IN_TRANSACTIONS: Final[Mapping[str, str]] = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}
NO_TABLE: Final = "*"  # the resource of an action such as ListTables


@dataclass(frozen=True, slots=True)
class Need:
    """A permission that a call needs."""

    action: str
    resource: str


@dataclass(slots=True)
class Guard:
    """
    A WSGI application that forwards to *upstream* what the *policy* of the caller's role allows.

    The permissions of each call are added to *granted* or to *refused*.
    """

    upstream: "WSGIApplication"
    policy: str
    granted: list[Need] = field(default_factory=list)
    refused: list[Need] = field(default_factory=list)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer as a WSGI application; a refusal is AccessDeniedException, as on AWS."""
        body = environ["wsgi.input"].read()
        environ["wsgi.input"] = io.BytesIO(body)
        operation = environ["HTTP_X_AMZ_TARGET"].partition(".")[2]
        needed = [*needs(operation, json.loads(body), region=_region(environ))]
        lacking = [need for need in needed if not _is_allowed(self.policy, need)]
        self.refused += lacking
        if not lacking:
            self.granted += needed
            return self.upstream(environ, start_response)
        refusal = {
            "__type": "com.amazon.coral.service#AccessDeniedException",
            "Message": f"User is not authorized to perform: {lacking[0].action} on resource: "
            f"{lacking[0].resource} because no identity-based policy allows the action",
        }
        status = HTTPStatus.BAD_REQUEST
        headers = [("Content-Type", "application/x-amz-json-1.0")]
        start_response(f"{status} {status.phrase}", headers)
        return [json.dumps(refusal).encode()]


def needs(operation: str, call: Mapping[str, Any], *, region: str) -> Iterator[Need]:
    """
    Yield what a call of an *operation* needs (Service Authorization Reference, DynamoDB).

    A transaction needs what its parts would need alone; a batch and an index name their own resources.
    """
    if operation.startswith("Transact"):
        for part in call["TransactItems"]:
            for kind, made in part.items():
                yield _need(_IN_TRANSACTIONS[kind], made["TableName"], region)
    elif operation in {"BatchGetItem", "BatchWriteItem"}:
        for table in call["RequestItems"]:
            yield _need(operation, table, region)
    elif "TableName" in call:
        index = f"/index/{call['IndexName']}" if "IndexName" in call else ""
        yield _need(operation, call["TableName"] + index, region)
    else:
        yield Need(f"dynamodb:{operation}", NO_TABLE)


def _need(operation: str, table: str, region: str) -> Need:
    return Need(f"dynamodb:{operation}", table_arn(table, region=region))


@functools.cache  # moto parses the policy for each evaluation
def _is_allowed(policy: str, need: Need) -> bool:
    verdict = IAMPolicy(policy).is_action_permitted(need.action, need.resource)
    return verdict is PermissionResult.PERMITTED


def _region(environ: "WSGIEnvironment") -> str:
    """Return the region that a request is signed for: Credential=KEY/DATE/REGION/SERVICE/aws4_request."""
    _, _, scope = environ["HTTP_AUTHORIZATION"].partition("Credential=")
    region: str = scope.split("/")[2]
    return region
