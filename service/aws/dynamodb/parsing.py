"""botocore's own path, but for answers that need no conversion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.aws.dynamodb.answers import read_as_it_is

if TYPE_CHECKING:
    from aiobotocore.client import AioBaseClient
    from botocore.model import OperationModel


def attach(client: AioBaseClient) -> None:
    """Spare the answers to *client* the walk along the service model where it changes nothing."""
    client.meta.events.register("before-parse.dynamodb", _before_parse)


def _before_parse(
    operation_model: OperationModel,
    response_dict: dict[str, Any],
    customized_response_dict: dict[str, Any],
    **_: object,
) -> None:
    status, body = response_dict["status_code"], response_dict["body"]
    members = read_as_it_is(operation_model.name, status, body)
    if members is not None:
        customized_response_dict.update(members)
        response_dict["body"] = b"{}"
