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


# What the rules of DynamoDB's endpoints look at: "contextParam" and "operationContextParams" there.
_RULED_BY: Mapping[str, Callable[[Parameters], Parameters]] = {
    "BatchGetItem": _of_several_tables,
    "GetItem": _of_one_table,
    "Query": _of_one_table,
    "UpdateItem": _of_one_table,
}


def set_aside(
    params: Parameters, model: OperationModel, context: dict[str, Any], **_: object
) -> Parameters | None:
    """Keep the parameters for later; returns what botocore is to serialize in their stead."""
    ruled_by = _RULED_BY.get(model.name)
    if ruled_by is None:
        return None
    context[_SET_ASIDE] = params
    return ruled_by(params)


def put_back(request: dict[str, Any], context: dict[str, Any]) -> None:
    """Make the parameters that were set aside, if any were, the body of the request."""
    params = context.pop(_SET_ASIDE, None)
    if params is not None:
        request["body"] = json.dumps(params, default=_text).encode()


def _text(binary: bytes) -> str:
    return b64encode(binary).decode()
