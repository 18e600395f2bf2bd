"""What the application and a request carry, each under a typed key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from service.config import Config
from service.domain.identity import Identity, IdentitySource
from service.domain.identity_provider import IdentityProvider
from service.domain.profiles import ProfileStore
from service.log import BoundLogger
from service.metrics.metrics import Metrics
from service.web.representation import ProfileRepresentation


class Access(StrEnum):
    """Who may call a route."""

    PUBLIC = "public"
    SIGNED_IN = "signed in"
    IDENTIFIED = "identified"


@dataclass(slots=True)
class Readiness:
    """The outcome of the last checks: check -> what is wrong; empty means ready."""

    failing: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Load:
    """
    How many requests the process is serving, health checks aside.

    *draining* is true from the signal to stop on: no connection is to be kept.
    """

    in_flight: int = 0
    draining: bool = False


CONFIG: Final = web.AppKey("config", Config)
ACCESS: Final = web.AppKey("access", Mapping[Handler, Access])
IDENTITY_PROVIDER: Final = web.AppKey("identity_provider", IdentityProvider)
IDENTITY_SOURCES: Final = web.AppKey("identity_sources", tuple[IdentitySource, ...])
PROFILE_STORE: Final = web.AppKey("profile_store", ProfileStore)
PROFILE_REPRESENTATION: Final = web.AppKey("profile_representation", ProfileRepresentation)
READINESS: Final = web.AppKey("readiness", Readiness)
LOG: Final = web.AppKey("log", BoundLogger)
LOAD: Final = web.AppKey("load", Load)
METRICS: Final = web.AppKey("metrics", Metrics)
PROFILE_JSON_SCHEMA: Final = web.AppKey("profile_json_schema", bytes)
OPENAPI: Final = web.AppKey("openapi", bytes)

REQUEST_ID: Final = web.RequestKey("request_id", str)
TRACE_ID: Final = web.RequestKey("trace_id", str)  # where requests are traced
IDENTITY: Final = web.RequestKey("identity", Identity)
ACCESS_TOKEN: Final = web.RequestKey("access_token", str)
PROBLEM_CODE: Final = web.ResponseKey("problem_code", str)
