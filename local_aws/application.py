"""The WSGI application: moto's services, the strict Cognito with its domain, and the outbox."""

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from flask import Flask
from moto.backends import SERVICE_NAMES
from moto.core.utils import convert_to_flask_response
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from local_aws import signatures
from local_aws.cognito.operations import StrictCognito
from local_aws.cognito.state import Cognito
from local_aws.domain.endpoints import Domain
from local_aws.outbox import Outbox

if TYPE_CHECKING:  # _typeshed exists for type checkers only
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

REQUEST_ID = "x-amzn-RequestId"
OUTBOX_PATH = "/local-aws/outbox"
CODES_PATH = "/local-aws/codes/"  # followed by a user name

# moto keeps its state in the process, shared by all servers and without locks: a conditional write
# reads and then writes. One lock for the process makes both steps atomic.
REQUEST_LOCK = threading.Lock()

READS = re.compile(
    r"Describe\w+|List\w+|(Admin)?GetUser|GetItem|BatchGetItem|TransactGetItems|Query|Scan"
)


class Application:
    """
    Serves one request at a time, and answers every error in JSON.

    *changed* is called after each request that may have changed the state.
    """

    def __init__(
        self, cognito: Cognito, outbox: Outbox, changed: Callable[[], None] | None = None
    ) -> None:
        self._changed = changed or _save_nothing
        self._moto = DomainDispatcherApplication(_creator(cognito))
        self._cognito = cognito
        self._domain = Domain(cognito)
        self._outbox = outbox

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer as a WSGI application."""
        with REQUEST_LOCK:
            body = self._served(environ, start_response)
        if environ["REQUEST_METHOD"] == "POST" and not READS.fullmatch(_operation(environ)):
            self._changed()
        return body

    def _served(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == OUTBOX_PATH:
            names = parse_qs(environ["QUERY_STRING"]).get("username", [None])
            return _json(start_response, HTTPStatus.OK, self._outbox.sent(names[-1]))
        if path.startswith(CODES_PATH):
            name = path.removeprefix(CODES_PATH)
            return _newest_code(start_response, self._outbox, name)
        self._cognito.caller_address = environ.get("REMOTE_ADDR")
        return self._answer(environ, start_response)

    def _answer(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        start_response = _with_request_id(start_response)
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        refused = signatures.refusal(target, environ.get("HTTP_AUTHORIZATION", ""))
        if refused is not None:
            return _json(start_response, HTTPStatus.BAD_REQUEST, refused)
        try:
            if self._domain.handles(environ["PATH_INFO"]):
                return list(self._domain(environ, start_response))
            return list(self._moto(environ, start_response))
        except NotImplementedError as missing:
            refusal = {"__type": "UnsupportedOperationException", "message": str(missing)}
            return _json(start_response, HTTPStatus.BAD_REQUEST, refusal)
        except Exception as bug:  # noqa: BLE001 -- any defect of moto becomes a JSON error
            failure = {"__type": "InternalServerError", "message": repr(bug)}
            return _json(start_response, HTTPStatus.INTERNAL_SERVER_ERROR, failure)


def _with_request_id(start_response: "StartResponse") -> "StartResponse":
    """Return what starts a response with the header that programs and SDKs log."""

    def start(status: str, headers: list[tuple[str, str]], error: Any = None) -> Any:  # noqa: ANN401 -- WSGI's
        if all(name.lower() != REQUEST_ID.lower() for name, _ in headers):
            headers.append((REQUEST_ID, str(uuid.uuid4())))
        return start_response(status, headers, error)

    return start


def _save_nothing() -> None:
    """Leave the state in this process alone."""


def _operation(environ: "WSGIEnvironment") -> str:
    return str(environ.get("HTTP_X_AMZ_TARGET", "")).rpartition(".")[2]


def _creator(cognito: Cognito) -> Callable[[SERVICE_NAMES], Flask]:
    """Return a factory of moto's Flask applications that replaces moto's Cognito by the strict one."""

    def create(service: SERVICE_NAMES) -> Flask:
        app = create_backend_app(service)
        if (
            str(service) == "cognitoidp"
        ):  # str: moto's annotation does not list the names that it uses

            def dispatch(*request: Any) -> Any:  # noqa: ANN401 -- moto's signature
                return StrictCognito(cognito).answer(*request)

            app.view_functions["CognitoIdpResponse.dispatch"] = convert_to_flask_response(dispatch)
        return app

    return create


def _newest_code(
    start_response: "StartResponse", outbox: Outbox, wsgi_name: str
) -> Iterable[bytes]:
    """Answer with the newest code of a user as a line of text, for shells; else with 404."""
    username = wsgi_name.encode("latin-1").decode(errors="replace")  # PEP 3333
    code = outbox.newest(username)
    if code is None:
        message = "No code was sent to this user name since the start."
        return _json(start_response, HTTPStatus.NOT_FOUND, {"message": message})
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"{code}\n".encode()]


def _json(start_response: "StartResponse", status: HTTPStatus, value: object) -> Iterable[bytes]:
    start_response(f"{status} {status.phrase}", [("Content-Type", "application/json")])
    return [json.dumps(value).encode()]
