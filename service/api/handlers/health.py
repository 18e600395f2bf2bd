"""Liveness and readiness."""

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from service.api import keys
from service.api.operations import Success, operation
from service.api.request_parsing import request_body
from service.api.schemas.health import HealthSchema
from service.domain.errors import FieldProblem, NotReady

TAG = "health"


@operation(
    "Check that the process is alive",
    tag=TAG,
    operation_id="checkLiveness",
    answers={HTTPStatus.OK: Success("The process is alive.", HealthSchema)},
)
async def live(_: web.Request) -> web.Response:
    """Respond without calling any upstream."""
    return request_body.answer({"status": "live"})


@operation(
    "Check that the process can serve requests",
    tag=TAG,
    operation_id="checkReadiness",
    answers={HTTPStatus.OK: Success("The process can serve requests.", HealthSchema)},
    refusals=(NotReady,),
)
async def ready(request: web.Request) -> web.Response:
    """Return the result of the last readiness checks, which run in the background."""
    _refuse(request, request.app[keys.READINESS].failing)
    return request_body.answer({"status": "ready"})


@operation(
    "Check that a load balancer may send requests to the process",
    tag=TAG,
    operation_id="checkServing",
    answers={HTTPStatus.OK: Success("The process takes requests.", HealthSchema)},
    refusals=(NotReady,),
)
async def serving(request: web.Request) -> web.Response:
    """
    Return 200 from when every check has passed once until the process drains.

    Unlike readiness it does not depend on upstreams later: ECS replaces the tasks that this check of a
    target group finds unhealthy, and during an outage of an upstream these would be all.
    """
    readiness = request.app[keys.READINESS]
    failing = {} if readiness.has_started else {"process": "starting", **readiness.failing}
    _refuse(request, failing)
    return request_body.answer({"status": "serving"})


def _refuse(request: web.Request, failing: Mapping[str, str]) -> None:
    """Raise NotReady with the *failing* checks, and while the process drains."""
    draining = {"process": "stopping"} if request.app[keys.SERVER_LOAD].draining else {}
    if failing or draining:
        problems = sorted({**failing, **draining}.items())
        raise NotReady(problems=tuple(FieldProblem(check, why) for check, why in problems))
