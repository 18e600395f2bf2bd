"""
Calls to DynamoDB that leave botocore's path where that costs most.

On `before-call`, where botocore lets a handler answer in its stead, a call is written by `requests`,
signed by `signature`, sent by `connections`, and its answer read by `answers`. All else is botocore's
own: whether and when to try again, errors and how they are read, credentials and their renewal, TLS,
proxies, timeouts, and whatever of the answers needs conversion.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias
from zlib import crc32

from aiobotocore.parsers import create_parser
from botocore.exceptions import NoCredentialsError
from botocore.hooks import first_non_none_response

from service.aws.connections import Answer, Connections
from service.aws.dynamodb import attempts, requests
from service.aws.dynamodb.answers import OPERATIONS, read_as_it_is
from service.aws.dynamodb.signing import Scope, Signer
from service.aws.http_session import BoundedItems

if TYPE_CHECKING:
    from aiobotocore.client import AioBaseClient
    from aiobotocore.signers import AioRequestSigner
    from botocore.model import OperationModel

    from service.circuit_breaker import Breaker

Parameters: TypeAlias = requests.Parameters
Parsed: TypeAlias = dict[str, Any]

SIGV4 = "v4"


@dataclass(frozen=True, slots=True)
class _Call:
    """A call as botocore hands it over; *context* is what it notes of it between the attempts."""

    model: OperationModel
    request: dict[str, Any]
    signer: AioRequestSigner
    context: dict[str, Any]

    def anew(self, body: bytes) -> _Call:
        """Return another call as this one was handed over, with that *body*."""
        context = {
            name: {**value} if type(value) is dict else value
            for name, value in self.context.items()
        }
        request = {**self.request, "body": body, "context": context}
        return _Call(self.model, request, self.signer, context)


class FastTransport:
    """
    The cheaper way of one client's calls.

    The client is opened with `http_session` as the class of its HTTP sessions, and attached then. The
    first call of an operation goes through botocore, up to here. What botocore makes of it, but for the
    body, it makes of every one on the same tables: `again` begins with that.
    """

    _connections: Connections
    _client: Any
    _events: Any

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker
        self._signer = Signer()
        self._parser: Any = create_parser("json")
        self._first: dict[str, tuple[Parameters | None, _Call]] = {}  # by operation

    def http_session(self, **options: Any) -> Connections:  # noqa: ANN401 -- aiobotocore's own
        """Make the client's HTTP session, and keep hold of it."""
        self._connections = Connections(breaker=self._breaker, answers=BoundedItems, **options)
        return self._connections

    def attach(self, client: AioBaseClient) -> None:
        """Take over the calls of *client*, as far as they are known here."""
        self._client = client
        self._events = client.meta.events
        self._events.register("provide-client-params", requests.set_aside)
        handler: Any = self._before_call  # a coroutine, which the stubs do not expect
        # Not for its service by name: the handlers of that would come before botocore's own.
        self._events.register_last("before-call", handler)

    async def again(self, operation: str, params: Parameters) -> Parsed | None:
        """Make a call like one that was made before, as botocore would; None where it has to."""
        ruling, first = self._first.get(operation, (None, None))
        if first is None or ruling != requests.ruled_by(operation, params):
            return None
        call = first.anew(requests.written(params))
        http, parsed = await self._made(call)
        await self._events.emit(
            f"after-call.dynamodb.{operation}",
            http_response=http,
            parsed=parsed,
            model=call.model,
            context=call.context,
        )
        if http.status_code < HTTPStatus.MULTIPLE_CHOICES:
            return parsed
        code = call.context.get("error_code_override") or parsed.get("Error", {}).get("Code")
        raise self._client.exceptions.from_code(code)(parsed, operation)

    async def _before_call(
        self,
        model: OperationModel,
        params: dict[str, Any],
        request_signer: AioRequestSigner,
        context: dict[str, Any],
        **_: object,
    ) -> tuple[Answer, Parsed] | None:
        """Make a call in botocore's stead; None leaves it to botocore."""
        asked = requests.put_back(params, context)
        if model.name not in OPERATIONS or not _is_for_sigv4(context, request_signer):
            return None
        call = _Call(model, params, request_signer, context)
        if asked is not None:
            self._first[model.name] = requests.ruled_by(model.name, asked), call.anew(b"")
        return await self._made(call)

    async def _made(self, call: _Call) -> tuple[Answer, Parsed]:
        """Send a call until botocore wants no further attempt; raises what the last one failed with."""
        attempt, answered_at = 1, None
        while True:
            attempts.begin(call.context, attempt, answered_at)
            url, body = call.request["url"], call.request["body"]
            headers = await self._headers(call, url, body)
            try:
                http = await self._connections.post(url, headers, body)
            except Exception as failure:
                pause_s = await self._pause_s(call, attempt, failure=failure)
                if pause_s is None:
                    raise
                answered_at = None
            else:
                parsed, is_sound = await self._read(call.model, http)
                pause_s = None
                if attempt > 1 or not is_sound:
                    pause_s = await self._pause_s(call, attempt, response=(http, parsed))
                if pause_s is None:
                    parsed["ResponseMetadata"]["RetryAttempts"] = attempt - 1
                    return http, parsed
                answered_at = http.headers.get("date")
            await asyncio.sleep(pause_s)
            attempt += 1

    async def _headers(self, call: _Call, url: str, body: bytes) -> dict[str, str]:
        """Return the headers of the attempt that has begun, as botocore would send them."""
        signing = call.context.get("signing", {})
        scope = Scope(
            signing.get("region") or call.signer.region_name,
            signing.get("signing_name") or call.signer.signing_name,
        )
        # The way by which botocore's credentials are asked for, and renewed before they expire.
        auth: Any = await call.signer.get_auth_instance(scope.service, scope.region, SIGV4)
        if auth.credentials is None:
            raise NoCredentialsError
        signed = self._signer.signed(
            url, call.request["headers"], body, credentials=auth.credentials, scope=scope
        )
        return {
            **signed,
            **attempts.headers(call.context),
            "Content-Length": str(len(body)),
        }

    async def _read(self, model: OperationModel, http: Answer) -> tuple[Parsed, bool]:
        """Return an answer as botocore would, and whether there is nothing in it to try again for."""
        status, headers, body = http.status_code, http.headers, http.body
        checksum = headers.get("x-amz-crc32")
        is_sound = status == HTTPStatus.OK and checksum in (None, str(crc32(body)))
        members = read_as_it_is(model.name, status, body)
        if members is None:
            return await self._parsed(model, http), is_sound
        metadata: Parsed = {"HTTPStatusCode": status, "HTTPHeaders": {**headers}}
        if "x-amzn-requestid" in headers:
            metadata["RequestId"] = headers["x-amzn-requestid"]
        return {**members, "ResponseMetadata": metadata}, is_sound

    async def _parsed(self, model: OperationModel, http: Answer) -> Parsed:
        """Return an answer as botocore's parser reads it, an error with what its model adds."""
        response = {
            "headers": http.headers,
            "status_code": http.status_code,
            "context": {"operation_name": model.name},
            "body": http.body,
        }
        parsed: Parsed = await self._parser.parse(response, model.output_shape)
        parsed.update()  # as botocore adds here what handlers made, and fails of a JSON null
        if http.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            code = parsed.get("Error", {}).get("Code")
            shape = model.service_model.shape_for_error_code(code)
            if shape is not None:
                parsed.update(await self._parser.parse(response, shape))
        return parsed

    async def _pause_s(
        self,
        call: _Call,
        attempt: int,
        *,
        response: tuple[Answer, Parsed] | None = None,
        failure: Exception | None = None,
    ) -> float | None:
        """Return how long botocore waits before another attempt; None where it makes none."""
        answers = await self._events.emit(
            f"needs-retry.dynamodb.{call.model.name}",
            response=response,
            endpoint=None,
            operation=call.model,
            attempts=attempt,
            caught_exception=failure,
            request_dict=call.request,
        )
        pause_s: float | None = first_non_none_response(answers)
        return pause_s


def _is_for_sigv4(context: dict[str, Any], signer: AioRequestSigner) -> bool:
    """Tell whether botocore would sign a call by Signature Version 4, with its body."""
    version = context.get("auth_type") or signer.signature_version
    preference = context["client_config"].auth_scheme_preference
    return version == SIGV4 and not preference and not context.get("unsigned_payload")
