"""A password reset does not reveal accounts, even with a weak password."""

from dataclasses import replace

from service.app import Adapters
from service.domain.client import Client
from service.domain.errors import CodeMismatch, WeakPassword
from tests.api.conftest import Api, Start
from tests.support.fakes.passwords import MemoryPasswords
from tests.support.fakes.user_pool import MemoryUserPool

KNOWN, UNKNOWN = "alice", "nobody"
TRIES = 7  # more than [limits] reset-per-h
RESET = "/api/auth/password/reset"


class WeighsFirst(MemoryPasswords):
    """A user pool that checks the password first, and only for existing accounts."""

    async def reset(self, username: str, code: str, password: str, client: Client) -> None:
        """Refuse everything."""
        del code, client
        raise WeakPassword if username == KNOWN and password == "weak" else CodeMismatch  # noqa: S105


async def _answers(api: Api, username: str, password: str) -> list[tuple[int, str]]:
    body = {"username": username, "code": "123456", "password": password}
    answers = [await api.post(RESET, json=body) for _ in range(TRIES)]
    return [(answer.status, (await answer.json())["code"]) for answer in answers]


async def test_weak_password_is_refused_alike_for_everybody(start: Start, memory: Adapters) -> None:
    """A weak password is refused for unknown users too, with the same limit."""
    provider = replace(memory.identity_provider, passwords=WeighsFirst(MemoryUserPool()))
    api = await start(
        {"auth": {"answer-floor-ms": "0"}}, adapters=replace(memory, identity_provider=provider)
    )

    known = await _answers(api, KNOWN, "weak")
    unknown = await _answers(api, UNKNOWN, "weak")
    good = await _answers(api, UNKNOWN, "G00d-password")

    assert known == unknown == [(422, "weak_password")] * TRIES
    assert good[0] == (400, "code_mismatch")
