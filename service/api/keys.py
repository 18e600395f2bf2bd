"""The typed keys of the application, its requests and responses, and what is stored under them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler
from marshmallow import Schema

from service.api.deadlines import Deadlines
from service.api.profile_json import ProfileRepresentation
from service.config.settings import Config
from service.domain.activity import ActivityLog
from service.domain.identity import AccessTokenVerifiers, Authenticator, Identity, ServiceCaller
from service.domain.identity_provider import IdentityProvider
from service.domain.profile_history import ProfileHistory
from service.domain.profiles import ProfileStore
from service.domain.user_data import UserDataReader
from service.observability.log_limit import LogLimit
from service.observability.logs import BoundLogger
from service.observability.metrics.catalogue import Metrics

HEALTH_PREFIX: Final = "/health/"  # of the paths of health checks


class Access(StrEnum):
    """The callers that a route is open to."""

    PUBLIC = "public"
    SIGNED_IN = "signed in"
    IDENTIFIED = "identified"
    SERVICE = "service"


@dataclass(slots=True)
class Readiness:
    """
    The result of the last readiness checks: *failing* maps checks to reasons; empty is ready.

    *has_started* is true once every check has passed.
    """

    failing: dict[str, str] = field(default_factory=dict)
    has_started: bool = False


class Dependency(StrEnum):
    """The upstream that a route depends on; each has its own slots."""

    COGNITO = "cognito"
    COGNITO_DOMAIN = "cognito_domain"
    DYNAMODB = "dynamodb"
    NOTHING = "nothing"


@dataclass(slots=True)
class Slots:
    """The requests in flight that share one dependency."""

    in_flight: int = 0


@dataclass(slots=True)
class ServerLoad:
    """
    The requests in flight of the process by dependency, without health checks.

    *draining* is true from the stop signal on, when no connection is kept alive; *stopped_at_s* is when
    the server stopped to accept any, by the clock of the event loop, None until then. *waiting_bytes* is
    the size of all incomplete request bodies.
    """

    dependencies: Mapping[Handler, Dependency] = field(default_factory=dict)
    slots: Mapping[Dependency, Slots] = field(
        default_factory=lambda: {each: Slots() for each in Dependency}
    )
    draining: bool = False
    stopped_at_s: float | None = None
    waiting_bytes: int = 0

    @property
    def in_flight(self) -> int:
        """The number of all requests in flight."""
        return sum(slots.in_flight for slots in self.slots.values())


CONFIG: Final = web.AppKey("config", Config)
ACCESS: Final = web.AppKey("access", Mapping[Handler, Access])
IDENTITY_PROVIDER: Final = web.AppKey("identity_provider", IdentityProvider)
AUTHENTICATORS: Final = web.AppKey("authenticators", tuple[Authenticator, ...])
# Access tokens of the client credentials grant have one of them as their sub: it is no user's.
CLIENT_IDS: Final = web.AppKey("client_ids", frozenset[str])
ACCESS_TOKENS: Final = web.AppKey("access_tokens", AccessTokenVerifiers)
PROFILE_STORE: Final = web.AppKey("profile_store", ProfileStore)
# None where no past versions are kept; the key has no type, as none is a subclass of a union
PROFILE_HISTORY: Final = web.AppKey[ProfileHistory | None]("profile_history")
USER_DATA: Final = web.AppKey("user_data", UserDataReader)
ACTIVITY_LOG: Final = web.AppKey("activity_log", ActivityLog)
PROFILE_REPRESENTATION: Final = web.AppKey("profile_representation", ProfileRepresentation)
# The fields that other services may write.
SERVICE_PROFILE_SCHEMA: Final = web.AppKey("service_profile_schema", Schema)
READINESS: Final = web.AppKey("readiness", Readiness)
LOG: Final = web.AppKey("log", BoundLogger)
REFUSED_PAGES: Final = web.AppKey("refused_pages", LogLimit)
SERVER_LOAD: Final = web.AppKey("load", ServerLoad)
DEADLINES: Final = web.AppKey("deadlines", Deadlines)
METRICS: Final = web.AppKey("metrics", Metrics)
PROFILE_JSON_SCHEMA: Final = web.AppKey("profile_json_schema", bytes)
# The HMAC key of unverified user names in the audit log: `hash-key`, or a random key of the process.
ACCOUNT_HASH_KEY: Final = web.AppKey("account_hash_key", bytes)
# Whether the service is reached over plain HTTP, by the names of this machine: `local`.
PLAIN_LOCALHOST: Final = web.AppKey("plain_localhost", bool)
OPENAPI: Final = web.AppKey("openapi", bytes)

REQUEST_ID: Final = web.RequestKey("request_id", str)
TRACE_ID: Final = web.RequestKey("trace_id", str)  # only with tracing
IDENTITY: Final = web.RequestKey("identity", Identity)
SERVICE_CALLER: Final = web.RequestKey("service_caller", ServiceCaller)  # of Access.SERVICE
SLOTS: Final = web.RequestKey("slots", Slots)
ACCESS_TOKEN: Final = web.RequestKey("access_token", str)
REFRESH_COOKIE: Final = web.RequestKey("refresh_cookie", str)  # to be set; empty: to be deleted
PROBLEM_CODE: Final = web.ResponseKey("problem_code", str)
