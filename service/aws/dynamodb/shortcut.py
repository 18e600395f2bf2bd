"""A client of DynamoDB that asks the fast transport first, and botocore where that has to be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiobotocore.client import AioBaseClient

    from service.aws.dynamodb.client import FastTransport


class Shortcut:
    """*client* as it is, but for the operations that *transport* can make by itself."""

    def __init__(self, client: AioBaseClient, transport: FastTransport) -> None:
        self._client = client
        self._transport = transport

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- made at run time
        """Return the client's own, which for an operation is wrapped, once."""
        member = getattr(self._client, name)
        operation = self._client.meta.method_to_api_mapping.get(name)
        if operation is None:
            return member

        async def call(**params: Any) -> Any:  # noqa: ANN401 -- botocore's
            parsed = await self._transport.again(operation, params)
            return await member(**params) if parsed is None else parsed

        setattr(self, name, call)
        return call
