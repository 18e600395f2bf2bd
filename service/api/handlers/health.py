"""Health: does the process live, and can it serve."""

from http import HTTPStatus

from aiohttp import web

from service.api import keys, request_body
from service.api.operations import Answer, operation
from service.api.schemas.health import HealthSchema
from service.domain.errors import FieldProblem, NotReady

TAG = "health"
PREFIX = "/health/"


@operation(
    "Is the process alive?",
    tag=TAG,
    operation_id="checkLiveness",
    answers={HTTPStatus.OK: Answer("It is.", HealthSchema)},
)
async def live(_: web.Request) -> web.Response:
    """Answer; nothing is asked of anybody."""
    return request_body.answer({"status": "live"})


@operation(
    "Can the process serve?",
    tag=TAG,
    operation_id="checkReadiness",
    answers={HTTPStatus.OK: Answer("It can.", HealthSchema)},
    refusals=(NotReady,),
)
async def ready(request: web.Request) -> web.Response:
    """Answer with the outcome of the last checks, which run in the background."""
    failing = {**request.app[keys.READINESS].failing}
    if request.app[keys.SERVER_LOAD].draining:
        failing["process"] = "stopping"
    if failing:
        raise NotReady(
            problems=tuple(FieldProblem(check, why) for check, why in sorted(failing.items()))
        )
    return request_body.answer({"status": "ready"})
