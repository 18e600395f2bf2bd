"""The application is assembled from its settings, and opens and closes its adapters."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from marshmallow import fields
from structlog.testing import capture_logs

from service.api import cognito_guard, keys
from service.api.schemas.profiles import ProfileSchema
from service.app import Adapters, OpenAdapters, create_app
from service.config.settings import Config
from service.deployment_checks.profile_schema import profile_schema
from service.domain.errors import Throttled
from service.observability.upstream_calls import UpstreamTelemetry
from service.rate_limiting.limited_actions import RateLimitedAction
from service.server import serve
from service.startup_errors import SchemaUnusable
from tests.support.configs import configured

NO_SCHEMA = "not a class"
LOOPBACK = configured({"server": {"host": "127.0.0.1", "port": "0"}}).server


class Extended(ProfileSchema):
    """A deployment's own schema."""

    shoeSize = fields.Integer()  # noqa: N815 -- a name in JSON


class NotASchema:
    """A class that is no schema."""


class Journal:
    """Adapters that record when they are opened, checked and closed."""

    def __init__(self, memory: Adapters) -> None:
        self.events: list[str] = []
        self._memory = replace(memory, checks={"table": self._check})

    @asynccontextmanager
    async def open(self, _: Config, __: UpstreamTelemetry) -> AsyncIterator[Adapters]:
        """Open the adapters."""
        self.events.append("opened")
        try:
            yield self._memory
        finally:
            self.events.append("closed")

    async def _check(self) -> None:
        self.events.append("checked")


def _app(open_adapters: OpenAdapters) -> web.Application:
    return create_app(configured({"server": {"readiness-interval-s": "300"}}), open_adapters)


def _unexpected(hosts: Sequence[str], port: int) -> None:
    pytest.fail(f"listens on {hosts}:{port}")


@pytest.fixture(name="journal")
def _journal(memory: Adapters) -> Journal:
    return Journal(memory)


async def test_everything_is_opened_before_and_closed_after(journal: Journal) -> None:
    """The adapters are open and checked before the first request, and closed after the last."""
    app = _app(journal.open)
    assert journal.events == []
    async with TestClient(TestServer(app)) as client:
        assert journal.events == ["opened", "checked"]
        async with client.get("/health/ready") as response:
            assert response.status == 200

    assert journal.events == ["opened", "checked", "closed"]


async def test_watch_ends_before_the_adapters(memory: Adapters) -> None:
    """No check runs while or after the adapters are closed."""
    open_now = False
    checked: list[bool] = []

    async def check() -> None:
        checked.append(open_now)

    @asynccontextmanager
    async def opened(_: Config, __: UpstreamTelemetry) -> AsyncIterator[Adapters]:
        nonlocal open_now
        open_now = True
        yield replace(memory, checks={"table": check})
        open_now = False

    app = create_app(configured({"server": {"readiness-interval-s": "0.001"}}), opened)
    async with TestClient(TestServer(app)) as client, client.get("/health/ready") as response:
        assert response.status == 200

    assert checked
    assert all(checked)


async def test_adapters_are_closed_when_a_later_start_fails(journal: Journal) -> None:
    """If a later step of the start fails, the adapters are closed."""
    app = _app(journal.open)

    async def broken(_: web.Application) -> None:
        raise ValueError("cannot start")

    app.on_startup.append(broken)
    with pytest.raises(ValueError, match="cannot start"):
        await serve.serve(app, LOOPBACK, listening=_unexpected)

    assert journal.events == ["opened", "checked", "closed"]


async def test_adapters_that_cannot_be_opened_end_the_start() -> None:
    """If the adapters cannot be opened, the application does not start."""

    @asynccontextmanager
    async def unopened(_: Config, __: UpstreamTelemetry) -> AsyncIterator[Adapters]:
        raise ValueError("cannot be opened")
        yield

    with pytest.raises(ValueError, match="cannot be opened"):
        await serve.serve(_app(unopened), LOOPBACK, listening=_unexpected)


async def test_failing_check_does_not_end_the_start(memory: Adapters) -> None:
    """A process without its table starts, and is not ready."""

    async def check() -> None:
        raise ValueError("a defect")

    @asynccontextmanager
    async def opened(_: Config, __: UpstreamTelemetry) -> AsyncIterator[Adapters]:
        yield replace(memory, checks={"table": check})

    async with TestClient(TestServer(_app(opened))) as client:
        async with client.get("/health/ready") as response:
            assert response.status == 503
        async with client.get("/health/live") as response:
            assert response.status == 200


async def test_unverified_identity_is_warned_of(journal: Journal) -> None:
    """If other machines are believed without proof, every start logs their networks."""
    wide = configured({"identity": {"header-peers": "127.0.0.0/8 ::1/128 10.0.0.0/8 ::/0"}})
    with capture_logs() as logs:
        async with TestServer(create_app(wide, journal.open)):
            pass

    (warning,) = [event for event in logs if event["event"] == "identity_unverified"]
    assert warning["log_level"] == "warning"
    assert warning["believed_from"] == ["10.0.0.0/8", "::/0"]


@pytest.mark.parametrize(
    "identity",
    [{}, {"sources": "bearer", "header-peers": "10.0.0.0/8"}],
    ids=["loopback", "no header"],
)
async def test_verified_identity_needs_no_warning(
    identity: dict[str, str], journal: Journal
) -> None:
    """If no other machine is believed without proof, no warning is logged."""
    with capture_logs() as logs:
        async with TestServer(create_app(configured({"identity": identity}), journal.open)):
            pass

    assert "identity_unverified" not in [event["event"] for event in logs]


def test_process_takes_its_share_of_the_limits(journal: Journal) -> None:
    """Each of tasks x workers processes admits its share of the calls of all."""
    limits = {"tasks": "2", "sign-up-per-s": "12", "burst-s": "1", "address-burst": "0"}
    config = configured({"limits": limits, "server": {"workers": "3"}})
    limiter = create_app(config, journal.open)[cognito_guard.RATE_LIMITER]

    def sign_up(name: str) -> None:
        with limiter.admit(RateLimitedAction.SIGN_UP, address=None, account=name):
            pass

    sign_up("first")
    sign_up("second")
    with pytest.raises(Throttled):
        sign_up("third")


def test_default_schema_is_ours() -> None:
    """The default schema is the service's own."""
    assert profile_schema(configured().profile.schema) is ProfileSchema


def test_subclass_is_taken(journal: Journal) -> None:
    """`[profile] schema` replaces the schema by a subclass, and the API document has its fields."""
    config = configured({"profile": {"schema": f"{__name__}:Extended"}})

    assert profile_schema(config.profile.schema) is Extended
    assert b"shoeSize" in create_app(config, journal.open)[keys.OPENAPI]
    assert b"shoeSize" not in create_app(configured(), journal.open)[keys.OPENAPI]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (
            "nowhere.at_all:Schema",
            "cannot be imported: ModuleNotFoundError: No module named 'nowhere'",
        ),
        (
            f"{__name__}:Missing",
            "cannot be imported: AttributeError: module .* has no .* 'Missing'",
        ),
        (f"{__name__}:NotASchema", "is no subclass of ProfileSchema"),
        (f"{__name__}:NO_SCHEMA", "is no subclass of ProfileSchema"),
        ("marshmallow:Schema", "is no subclass of ProfileSchema"),
    ],
    ids=["module", "class", "other class", "no class", "other schema"],
)
def test_unusable_schema_is_named(name: str, why: str, journal: Journal) -> None:
    """An unusable schema is an error that names the setting and the reason."""
    with pytest.raises(SchemaUnusable, match=rf"\[profile\] schema: {name} {why}"):
        create_app(configured({"profile": {"schema": name}}), journal.open)

    assert journal.events == []


class _Dated(ProfileSchema):
    """A schema with a field of the service's own name."""

    deleted_at = fields.String()


class _Claiming(ProfileSchema):
    """Another one."""

    version = fields.Integer()


class _Demanding(ProfileSchema):
    """A schema with a field that every write would need."""

    plan = fields.String(required=True)


class _Defaulting(ProfileSchema):
    """A schema with a default."""

    plan = fields.String(load_default="free")


class _Renaming(ProfileSchema):
    """A schema whose field would be dropped."""

    plan = fields.String(attribute="alias")


class _Written(ProfileSchema):
    """A schema with a field of an unknown writer."""

    plan = fields.String(metadata={"writer": "services"})


@pytest.mark.parametrize(
    "schema", [_Dated, _Claiming, _Demanding, _Defaulting, _Renaming, _Written]
)
def test_field_that_would_lose_data_is_refused(schema: type[ProfileSchema]) -> None:
    """A deployment's field that would lose data ends the start, and is named."""
    with pytest.raises(SchemaUnusable, match=r"the field (deleted_at|version|plan) of "):
        profile_schema(f"tests.test_app:{schema.__name__}")


class _Named(ProfileSchema):
    """A schema whose field has a name of its own."""

    loyalty = fields.String(data_key="loyalty-no")


def test_field_keeps_the_name_that_it_has() -> None:
    """The data key of a deployment's field is kept."""
    assert profile_schema("tests.test_app:_Named")().load({"loyalty-no": "7"}) == {
        "loyalty-no": "7"
    }
