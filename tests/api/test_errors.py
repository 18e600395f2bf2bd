"""All errors have one response format."""

from dataclasses import replace
from http import HTTPStatus

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from service.api.http_errors import leaves
from service.api.problem_details import STATUSES
from service.app import Adapters
from service.domain.errors import InvalidFields
from service.domain.profiles import Profile
from tests.api.conftest import ALICE, Api, Start
from tests.support.fakes.profiles import MemoryProfileStore


class BrokenStore(MemoryProfileStore):
    """A store that raises an unexpected exception."""

    async def find(self, user_id: str) -> Profile | None:
        """Raise an exception with a secret text."""
        raise RuntimeError(f"SECRET of {user_id}")


class RefusingStore(MemoryProfileStore):
    """A store that raises an error of an HTTP library."""

    async def find(self, user_id: str) -> Profile | None:
        """Raise an error of aiohttp."""
        raise web.HTTPExpectationFailed(text=user_id)


def test_every_error_has_its_status_and_its_own_code() -> None:
    """Every error has a status, and each code is unique."""
    found = list(leaves())

    assert set(STATUSES) == set(found)
    assert len({error.code for error in found}) == len(found)


def test_error_speaks_for_itself() -> None:
    """An error has its default detail or a given one, and by default no problems and no wait."""
    plain, other = InvalidFields(), InvalidFields("Other.", retry_after_s=3)

    assert (plain.public_detail, str(plain)) == (InvalidFields.detail, InvalidFields.detail)
    assert (other.public_detail, other.retry_after_s) == ("Other.", 3)
    assert plain.problems == ()


async def test_unknown_path_is_an_envelope(api: Api) -> None:
    """Aiohttp's 404 is a problem+json response."""
    answer = await api.get("/nothing/here")

    assert answer.status == 404
    assert answer.content_type == "application/problem+json"
    assert await answer.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing at this path. /openapi.json lists all paths.",
        "code": "route_not_found",
        "requestId": answer.headers["X-Request-Id"],
    }


async def test_wrong_method_lists_the_supported_ones(api: Api) -> None:
    """A 405 has the Allow header."""
    answer = await api.delete("/api/auth/login")

    assert answer.status == 405
    assert answer.headers["Allow"] == "OPTIONS,POST"
    assert (await answer.json())["code"] == "method_not_allowed"


async def test_unexpected_exception_is_logged_and_not_revealed(
    start: Start, memory: Adapters
) -> None:
    """An unexpected exception is a 500 without its text, which the log has."""
    api = await start(adapters=replace(memory, profile_store=BrokenStore()))

    with capture_logs() as logs:
        answer = await api.get("/v1/user/profile", headers=ALICE)

    assert answer.status == 500
    assert (await answer.json())["code"] == "internal_error"
    assert "SECRET" not in await answer.text()
    (failed,) = (line for line in logs if line["event"] == "request_failed")
    assert failed["exc_info"]


async def test_other_refusal_of_aiohttp_is_an_envelope(start: Start, memory: Adapters) -> None:
    """An unexpected HTTP error is a problem without its text."""
    api = await start(adapters=replace(memory, profile_store=RefusingStore()))

    answer = await api.get("/v1/user/profile", headers=ALICE)

    assert answer.status == 400
    assert (await answer.json())["code"] == "request_rejected"


@pytest.mark.parametrize("path", ["/v1/user/profile", "/api/auth/login"])
async def test_401_has_the_authentication_scheme(api: Api, path: str) -> None:
    """Every 401 has WWW-Authenticate."""
    body = {"username": "nobody", "password": "x"}
    answer = await (api.get(path) if path.startswith("/v1") else api.post(path, json=body))

    assert answer.status == HTTPStatus.UNAUTHORIZED
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
