"""The error responses of the API document: one component for each set of codes with the same status."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from service.api.openapi.components import MISSING_SCOPE, STATUS_HEADERS
from service.api.openapi.json_schema import component
from service.api.problem_details import PROBLEM_JSON, STATUSES
from service.domain.errors import InsufficientScope, ServiceError

_ORDER: Final[Mapping[type[ServiceError], int]] = {
    error: number for number, error in enumerate(STATUSES)
}


class ErrorResponses:
    """The components of the error responses that the operations of a document refer to."""

    def __init__(self) -> None:
        self._names: dict[tuple[type[ServiceError], ...], str] = {}
        self._count: Counter[HTTPStatus] = Counter()

    def references(self, refusals: Iterable[type[ServiceError]]) -> dict[str, Any]:
        """Return references to the error responses by status, and add these to the components."""
        by_status: dict[HTTPStatus, set[type[ServiceError]]] = defaultdict(set)
        for refusal in refusals:
            by_status[STATUSES[refusal]].add(refusal)
        return {
            str(status.value): component("responses", self._name(status, found))
            for status, found in sorted(by_status.items())
        }

    def components(self) -> dict[str, Any]:
        """Return the error responses by name."""
        return {name: _response(refusals) for refusals, name in self._names.items()}

    def _name(self, status: HTTPStatus, refusals: set[type[ServiceError]]) -> str:
        """Return the name of the response: short, since every operation refers to about ten."""
        key = tuple(sorted(refusals, key=_ORDER.__getitem__))
        if key not in self._names:
            self._count[status] += 1
            number = self._count[status]
            self._names[key] = f"E{status.value}" if number == 1 else f"E{status.value}-{number}"
        return self._names[key]


def _response(refusals: tuple[type[ServiceError], ...]) -> dict[str, Any]:
    """Return the error response with these errors, which have one status."""
    status = STATUSES[refusals[0]]
    codes = [refusal.code for refusal in refusals]
    only = {"code": {"type": "string", "enum": codes}}
    headers: dict[str, Mapping[str, Any]] = {}
    if status in STATUS_HEADERS:
        headers[STATUS_HEADERS[status]] = component("headers", STATUS_HEADERS[status])
    if InsufficientScope in refusals:
        headers["WWW-Authenticate"] = MISSING_SCOPE
    return {
        "description": f"{status.phrase}, by `code`.",
        **({"headers": headers} if headers else {}),
        "content": {
            PROBLEM_JSON: {
                "schema": {"allOf": [component("schemas", "Problem"), {"properties": only}]}
            }
        },
    }
