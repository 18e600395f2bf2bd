"""
How operations of DynamoDB are sent: by aioboto3, or at less cost by FastTransport.

botocore spends most of a call's CPU on walking the service model for parameters and responses, and on
signing. FastTransport does without; what it sends and returns is the same.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

import orjson
from botocore import xform_name
from botocore.auth import SIGV4_TIMESTAMP
from botocore.exceptions import NoCredentialsError
from multidict import istr

from service.aws.dynamodb.client import Operation, Transport
from service.aws.dynamodb.responses import parse_unconverted
from service.aws.dynamodb.signing import Scope, sign
from service.aws.http_session import GuardedSession, Response
from service.aws.response_parsers import ResponseParserFactory

if TYPE_CHECKING:
    from botocore.model import OperationModel
    from types_aiobotocore_dynamodb import DynamoDBClient as Aioboto3Client

    from service.aws.retries import Retries

SIGV4: Final = "v4"
INVOCATION_ID: Final = istr("amz-sdk-invocation-id")
SDK_REQUEST: Final = istr("amz-sdk-request")
CONTENT_LENGTH: Final = istr("Content-Length")
HTTP_DATE: Final = "%a, %d %b %Y %H:%M:%S %Z"


def botocore_transport(client: Aioboto3Client) -> Transport:
    """Return a function that sends operations by aioboto3's client."""

    async def send(operation: Operation, request: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- botocore's
        return await getattr(client, xform_name(operation))(**request)

    return send


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """Where to send the requests of an operation, and the headers that all of them have."""

    url: str
    headers: Mapping[str, str]
    scope: Scope


class FastTransport:
    """
    Writes, signs, sends and parses operations without botocore's generic machinery.

    aioboto3 sends the first call of each operation; later ones use the endpoint and headers that botocore
    resolved for it. All tables must therefore belong to one account. If requests are not signed by
    Signature Version 4, aioboto3 sends all calls.
    """

    def __init__(
        self,
        client: Aioboto3Client,
        *,
        http: GuardedSession,
        credentials: Any,  # noqa: ANN401 -- one of several classes of aiobotocore, or ours, or None
        retries: Retries,
    ) -> None:
        meta: Any = client.meta  # the stubs lack attributes of it
        self._service_model = meta.service_model
        self._exceptions: Any = client.exceptions
        self._http = http
        self._credentials = credentials
        self._retries = retries
        self._send_by_botocore = botocore_transport(client)
        self._parser = ResponseParserFactory().create_parser("json")
        self._read_timeout = timedelta(seconds=meta.config.read_timeout)
        self._endpoints: dict[str, _Endpoint] = {}
        # Without the name of the service: its handlers run before general ones, which add headers.
        meta.events.register_last("before-call", self._learn_endpoint)

    async def __call__(self, operation: Operation, request: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- botocore's
        """Return the response; raises what DynamoDBClient names."""
        endpoint = self._endpoints.get(operation)
        is_complete = operation != "TransactWriteItems" or "ClientRequestToken" in request
        if endpoint is None or not is_complete:  # botocore makes the token
            return await self._send_by_botocore(operation, request)
        body = _json(request)
        response, parsed = await self._send(operation, endpoint, body)
        if response.status_code < HTTPStatus.MULTIPLE_CHOICES:
            return parsed
        code = parsed.get("Error", {}).get("Code")
        raise self._exceptions.from_code(code)(parsed, operation)

    def _learn_endpoint(
        self,
        model: OperationModel,
        params: Mapping[str, Any],
        request_signer: Any,  # noqa: ANN401 -- the stubs lack its attributes
        context: Mapping[str, Any],
        **_: object,
    ) -> None:
        """Keep what botocore has resolved for a call that it is about to send."""
        version = context.get("auth_type") or request_signer.signature_version
        if version != SIGV4 or context["client_config"].auth_scheme_preference:
            return
        signing = context.get("signing", {})
        scope = Scope(
            signing.get("region") or request_signer.region_name,
            signing.get("signing_name") or request_signer.signing_name,
        )
        headers: dict[str, str] = {istr(name): value for name, value in params["headers"].items()}
        self._endpoints[model.name] = _Endpoint(params["url"], headers, scope)

    async def _send(
        self, operation: Operation, endpoint: _Endpoint, body: bytes
    ) -> tuple[Response, dict[str, Any]]:
        """Return the response to the last attempt, as received and parsed."""
        model: OperationModel = self._service_model.operation_model(operation)
        progress: dict[str, Any] = {"invocation-id": _invocation_id()}
        context = {"retries": progress}
        attempt = 1
        while True:
            progress["attempt"] = attempt
            headers = await self._headers(endpoint, body, progress)
            try:
                response = await self._http.post(endpoint.url, headers, body)
            except Exception as error:
                pause_s = await self._retries.pause_s(model, attempt, context, failure=error)
                if pause_s is None:
                    raise
            else:
                parsed = await self._parse(operation, model, response)
                pause_s = None
                if attempt > 1 or not _is_intact(response):
                    received = response, parsed
                    pause_s = await self._retries.pause_s(model, attempt, context, received)
                if pause_s is None:
                    parsed["ResponseMetadata"]["RetryAttempts"] = attempt - 1
                    self._retries.release(context, response)
                    return response, parsed
                self._set_ttl(progress, response)
            await asyncio.sleep(pause_s)
            attempt += 1

    async def _headers(
        self, endpoint: _Endpoint, body: bytes, progress: Mapping[str, Any]
    ) -> dict[str, str]:
        if self._credentials is None:
            raise NoCredentialsError
        credentials = await self._credentials.get_frozen_credentials()
        headers = sign(
            endpoint.url,
            endpoint.headers,
            body,
            credentials=credentials,
            scope=endpoint.scope,
            now_s=time.time(),
        )
        parts = [
            f"{name}={progress[name]}" for name in ("ttl", "attempt", "max") if name in progress
        ]
        headers[INVOCATION_ID] = progress["invocation-id"]
        headers[SDK_REQUEST] = "; ".join(parts)
        headers[CONTENT_LENGTH] = str(len(body))
        return headers

    def _set_ttl(self, progress: dict[str, Any], response: Response) -> None:
        """Note until when the next attempt waits for its response, by the clock of the server."""
        with suppress(KeyError, ValueError, OverflowError):  # no Date, or one of another form
            date = datetime.strptime(response.headers["date"], HTTP_DATE)  # noqa: DTZ007 -- HTTP dates are GMT
            progress["ttl"] = (date + self._read_timeout).strftime(SIGV4_TIMESTAMP)

    async def _parse(
        self, operation: Operation, model: OperationModel, response: Response
    ) -> dict[str, Any]:
        """Return the response as botocore parses it, an error with its modelled members."""
        status, headers = response.status_code, response.headers
        members = parse_unconverted(operation, response.body) if status == HTTPStatus.OK else None
        if members is not None:
            metadata: dict[str, Any] = {"HTTPStatusCode": status, "HTTPHeaders": {**headers}}
            if "x-amzn-requestid" in headers:
                metadata["RequestId"] = headers["x-amzn-requestid"]
            return {**members, "ResponseMetadata": metadata}
        received = {
            "headers": headers,
            "status_code": status,
            "context": {"operation_name": operation},
            "body": response.body,
        }
        parsed = await self._parser.parse(received, model.output_shape)
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            code = parsed.get("Error", {}).get("Code")
            shape = model.service_model.shape_for_error_code(code)
            if shape is not None:
                parsed.update(await self._parser.parse(received, shape))
        return parsed


def _invocation_id() -> str:
    """Return a random UUID; uuid.uuid4 asks the system for randomness, which only secrets need."""
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _is_intact(response: Response) -> bool:
    """Return whether the status is 200 and the checksum, if there is one, is right."""
    checksum = response.headers.get("x-amz-crc32")
    is_sound = checksum in (None, str(crc32(response.body)))
    return is_sound and response.status_code == HTTPStatus.OK


def _json(request: Mapping[str, Any]) -> bytes:
    """Return the JSON of a request, without botocore's blanks; 13 times as fast as `json` for keys."""
    try:
        return orjson.dumps(request, default=_base64)
    except orjson.JSONEncodeError:  # a lone surrogate, which only another application can store
        return json.dumps(request, default=_base64).encode()


def _base64(value: bytes) -> str:
    return b64encode(value).decode()
