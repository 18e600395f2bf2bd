"""A run of the suite whose table lies behind the guard."""

import json
from collections.abc import Awaitable, Callable, Generator
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from typing import Final

import pytest
from werkzeug.test import Client

from service.config import Config
from service.storage import items
from tests.least_privilege.guard import Guard, Need
from tests.least_privilege.guarded_moto import guarded_moto
from tests.least_privilege.policy import policy_for
from tests.storage.table import Table

TABLE_OF_NOBODY: Final = "nowhere"  # which tests ask for because it is not there


class GuardedRun:
    """
    The hooks of such a run.

    Up to the end of the fixture `config` calls are the operator's, who sets up; from then on they are
    the service's. *granted_to* names the file that is told what was granted, None for no file.
    """

    def __init__(self, *, granted_to: str | None) -> None:
        self._granted_to = granted_to
        self._stack = ExitStack()
        self._guard, url = self._stack.enter_context(guarded_moto())
        patch = self._stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("TEST_DYNAMODB_URL", url)
        # DynamoDB's own TTL needs no permission of anybody's.
        patch.setattr(Table, "remove", _purging(self._guard))

    def close(self) -> None:
        """Stop the guard."""
        self._stack.close()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[object]
    ) -> Generator[None, object, object]:
        """Put the policy into force as soon as the table is there."""
        made = yield
        if fixturedef.argname == "config" and isinstance(made, Config):
            table = made.dynamodb.user_profile_table
            self._guard.policy = policy_for(table, region=made.aws.region)
        return made

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self) -> Generator[None, None, None]:
        """Fail what is refused as a test begins."""
        yield
        self._demand()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, None, None]:
        """Fail what is refused in a test, even where the test takes it well."""
        yield
        self._demand()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Generator[None, None, None]:
        """Fail what is refused as a test ends."""
        yield
        self._demand()

    def pytest_sessionfinish(self) -> None:
        """Tell what was granted."""
        if self._granted_to is not None:
            granted = sorted({(need.action, need.resource) for need in self._guard.granted})
            Path(self._granted_to).write_text(json.dumps(granted), encoding="utf-8")

    def _demand(self) -> None:
        refused = [*self._guard.refused]
        self._guard.refused.clear()
        beyond = [need for need in refused if not _is_of_nobody(need)]
        assert beyond == [], f"the policy does not allow {beyond}"


def _is_of_nobody(need: Need) -> bool:
    return need.resource.endswith(f":table/{TABLE_OF_NOBODY}")


def _purging(guard: Guard) -> Callable[[Table, str, str], Awaitable[None]]:
    """Return what removes an item as DynamoDB does, past the *guard*."""
    upstream = Client(guard.upstream)

    async def purged(table: Table, user_id: str, sort_key: str) -> None:
        region = table.client.meta.region_name
        call = {"TableName": table.name, "Key": items.key(user_id, sort_key)}
        answer = upstream.post(
            data=json.dumps(call),
            content_type="application/x-amz-json-1.0",
            headers={
                "X-Amz-Target": "DynamoDB_20120810.DeleteItem",
                "Authorization": "AWS4-HMAC-SHA256 "
                f"Credential=ttl/20261123/{region}/dynamodb/aws4_request, Signature=none",
            },
        )
        assert answer.status_code == HTTPStatus.OK, answer.text

    return purged
