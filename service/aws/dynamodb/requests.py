"""
Requests whose parameters already are the JSON that botocore's serializer would make of them.

That walks along the service model, as its parser does. Here the parameters are set aside before, but for
what botocore chooses the endpoint by, and are written as they are.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from botocore.model import OperationModel

Parameters: TypeAlias = Mapping[str, Any]

_SET_ASIDE = "parameters set aside"  # in the context of a call


def _of_one_table(parameters: Parameters) -> Parameters:
    return {"TableName": parameters["TableName"]}


def _of_several_tables(parameters: Parameters) -> Parameters:
    return {"RequestItems": {table: {} for table in parameters["RequestItems"]}}


def _of_a_transaction(parameters: Parameters) -> Parameters | None:
    if "ClientRequestToken" not in parameters:  # botocore makes one
        return None
    return {
        "TransactItems": [
            {kind: {"TableName": write["TableName"]} for kind, write in item.items()}
            for item in parameters["TransactItems"]
        ],
        "ClientRequestToken": "",
    }


# What the rules of DynamoDB's endpoints look at: "contextParam" and "operationContextParams" there.
_RULED_BY: Mapping[str, Callable[[Parameters], Parameters | None]] = {
    "BatchGetItem": _of_several_tables,
    "GetItem": _of_one_table,
    "Query": _of_one_table,
    "TransactWriteItems": _of_a_transaction,
    "UpdateItem": _of_one_table,
}


def ruled_by(operation: str, params: Parameters) -> Parameters | None:
    """Return that of the parameters by which botocore chooses the endpoint; None where it needs all."""
    chosen = _RULED_BY.get(operation)
    return None if chosen is None else chosen(params)


def set_aside(
    params: Parameters, model: OperationModel, context: dict[str, Any], **_: object
) -> Parameters | None:
    """Keep the parameters for later; returns what botocore is to serialize in their stead."""
    ruling = ruled_by(model.name, params)
    if ruling is not None:
        context[_SET_ASIDE] = params
    return ruling


def put_back(request: dict[str, Any], context: dict[str, Any]) -> Parameters | None:
    """Make the parameters that were set aside, if any were, the body of the request; return them."""
    params: Parameters | None = context.pop(_SET_ASIDE, None)
    if params is not None:
        request["body"] = written(params)
    return params


def written(params: Parameters) -> bytes:
    """Return the parameters as botocore writes them."""
    return json.dumps(params, default=_text).encode()


def _text(binary: bytes) -> str:
    return b64encode(binary).decode()
