"""
A Cognito that answers as a test says, and checks every request against botocore's service model.

An invalid request is answered by InvalidParameterException, and leaving `scripted_cognito`, or calling
`check`, fails the test with the reason.
"""

import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from aiohttp import web
from botocore.model import OperationModel

from tests.support.cognito_answers import default_answer
from tests.support.cognito_shapes import exception_shape, faults, service_model

CONTENT_TYPE: Final = "application/x-amz-json-1.1"
SHUTDOWN_S: Final = 1  # then answers that are still delayed are cancelled

# Makes the answer from the request and the operation's model.
Step: TypeAlias = Callable[[web.BaseRequest, OperationModel], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Received:
    """A request that was received."""

    operation: str
    arguments: Mapping[str, Any]
    headers: Mapping[str, str]


@dataclass(slots=True)
class ScriptedCognito:
    """
    Its URL, what it received, and what was invalid.

    A test that provokes a fault on purpose clears *faults* after reading them.
    """

    url: str = ""
    received: list[Received] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _steps: dict[str, list[Step]] = field(default_factory=dict)

    def answers(self, operation: str, *steps: Step) -> None:
        """Answer an operation by *steps* in turn, repeating the last; without steps, by the default."""
        assert operation in service_model().operation_names, f"{operation} is not in the model"
        self._steps[operation] = list(steps)

    def reset(self) -> None:
        """Forget all requests, faults and steps."""
        self.received.clear()
        self.faults.clear()
        self._steps.clear()

    def check(self) -> None:
        """Fail if a request, or a scripted success, does not conform to the model."""
        assert not self.faults, "\n".join(self.faults)

    @property
    def operations(self) -> list[str]:
        """The operations that were called, in order."""
        return [request.operation for request in self.received]

    def arguments(self, operation: str) -> Mapping[str, Any]:
        """Return the arguments of the only call of an operation."""
        (arguments,) = (one.arguments for one in self.received if one.operation == operation)
        return arguments

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Record a request, and answer it."""
        target = request.headers.get("X-Amz-Target", "")
        prefix, _, operation = target.partition(".")
        model = service_model()
        if prefix != model.metadata["targetPrefix"] or operation not in model.operation_names:
            self.faults.append(f"X-Amz-Target: {target!r} is no call of Cognito's")
            return _json({"__type": "UnknownOperationException"}, HTTPStatus.BAD_REQUEST)
        body = _read(await request.read())
        self.received.append(Received(operation, body, dict(request.headers)))
        found = [
            *_faults_of_the_head(request, model.operation_model(operation)),
            *faults(model.operation_model(operation).input_shape, body),
        ]
        if found:
            self.faults += [f"{operation}: {fault}" for fault in found]
            return _json({"__type": "InvalidParameterException"}, HTTPStatus.BAD_REQUEST)
        return await self._next_step(operation)(request, model.operation_model(operation))

    def _next_step(self, operation: str) -> Step:
        steps = self._steps.get(operation)
        if steps:
            return steps.pop(0) if len(steps) > 1 else steps[0]
        return usual


def success(body: Mapping[str, Any]) -> Step:
    """Answer with *body*, which must conform to the model."""

    async def answer(_: web.BaseRequest, model: OperationModel) -> web.StreamResponse:
        wrong = list(faults(model.output_shape, json.loads(json.dumps(body))))
        assert not wrong, f"the scripted answer of {model.name} is not as documented: {wrong}"
        return _json(body)

    return answer


async def usual(request: web.BaseRequest, model: OperationModel) -> web.StreamResponse:
    """Answer with the default success."""
    answer = default_answer(model.name)
    assert answer is not None, f"{model.name} has no answer; script one"
    return await success(answer)(request, model)


def refusal(
    name: str, message: str | None = "of an upstream", *, status: int | None = None, **more: object
) -> Step:
    """
    Answer with an exception; *more* are its other members, such as `reasonCode`.

    The members are checked if the model has the exception; *status* None is the model's.
    """
    members = {**({} if message is None else {"message": message}), **more}

    async def answer(_: web.BaseRequest, __: OperationModel) -> web.StreamResponse:
        shape = exception_shape(name)
        if shape is not None:
            wrong = list(faults(shape, members))
            assert not wrong, f"{name} is not as documented: {wrong}"
        return _json({"__type": name, **members}, status or _status(name))

    return answer


def echoing(name: str) -> Step:
    """Answer with an exception whose message has every string of the request, also in upper case."""

    async def answer(request: web.BaseRequest, _: OperationModel) -> web.StreamResponse:
        sent = " ".join(f"({text}) ({text.upper()})" for text in _strings(await request.json()))
        return _json({"__type": name, "message": sent}, _status(name))

    return answer


def raw(body: bytes, status: int = 200, content_type: str = CONTENT_TYPE) -> Step:
    """Answer with these bytes."""

    async def answer(_: web.BaseRequest, __: OperationModel) -> web.StreamResponse:
        return web.Response(body=body, status=status, headers={"Content-Type": content_type})

    return answer


def late(step: Step, wait: Callable[[], Awaitable[object]]) -> Step:
    """Answer with *step* after *wait* is done."""

    async def answer(request: web.BaseRequest, model: OperationModel) -> web.StreamResponse:
        await wait()
        return await step(request, model)

    return answer


def dropping(text: bytes = b"") -> Step:
    """Send *text* verbatim, valid HTTP or not, and close the connection."""

    async def answer(request: web.BaseRequest, _: OperationModel) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(text)
        request.transport.close()
        return web.Response()

    return answer


async def resetting(request: web.BaseRequest, _: OperationModel) -> web.StreamResponse:
    """Reset the connection (RST) after the request is read."""
    assert request.transport is not None
    connection = request.transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()
    return web.Response()


CLOSED: Final = dropping()
GARBAGE: Final = dropping(b"SSH-2.0-OpenSSH\r\n\r\n")
CUT_SHORT: Final = dropping(
    f'HTTP/1.1 200 OK\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: 99\r\n\r\n{{"'.encode()
)


@asynccontextmanager
async def scripted_cognito(on: socket.socket | None = None) -> AsyncIterator[ScriptedCognito]:
    """
    Serve on a free port of loopback, or on a bound socket; fail at the end on any fault.

    A socket that does not listen yet starts to listen here.
    """
    cognito = ScriptedCognito()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await cognito.answer(request)
        except AssertionError as wrong:  # a mistake of the test
            cognito.faults.append(str(wrong))
            return _json({"__type": "InternalErrorException"}, HTTPStatus.INTERNAL_SERVER_ERROR)

    server = web.Server(answer, access_log=None, handler_cancellation=True)
    runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    bound = on or socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, bound).start()
    host, port = bound.getsockname()
    cognito.url = f"http://{host}:{port}"
    try:
        yield cognito
    finally:
        await runner.cleanup()
    cognito.check()


def _json(body: Mapping[str, Any], status: int = HTTPStatus.OK) -> web.Response:
    return web.Response(
        text=json.dumps(body), status=status, headers={"Content-Type": CONTENT_TYPE}
    )


def _strings(value: object) -> Iterator[str]:
    """Yield each string in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _strings(member)


def _read(body: bytes) -> Any:  # noqa: ANN401 -- JSON
    """Return a body's JSON, or the bytes if it is not JSON."""
    try:
        return json.loads(body)
    except ValueError:
        return body


def _faults_of_the_head(request: web.BaseRequest, model: OperationModel) -> list[str]:
    """Return what is wrong with the method, the path and the headers."""
    signed = "Authorization" in request.headers
    unsigned = model.auth_type == "none"
    wrong = {
        f"sent by {request.method} to {request.path_qs}": (
            (request.method, request.path_qs) != ("POST", "/")
        ),
        f"Content-Type: {request.content_type}": request.content_type != CONTENT_TYPE,
        "signed, but the operation needs no signature": signed and unsigned,
        "not signed": not signed and not unsigned,
    }
    return [fault for fault, is_so in wrong.items() if is_so]


def _status(name: str) -> int:
    """Return the HTTP status of an exception: the model's, else that of the API reference."""
    ours_to_blame = name != "InternalErrorException"
    status = HTTPStatus.BAD_REQUEST if ours_to_blame else HTTPStatus.INTERNAL_SERVER_ERROR
    shape = exception_shape(name)
    metadata: Mapping[str, Any] = {} if shape is None else shape.metadata
    return int(metadata.get("error", {}).get("httpStatusCode", status))
