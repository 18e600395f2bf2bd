"""What the application and a request carry, each under a typed key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from service.api.deadlines import Deadlines
from service.api.profile_json import ProfileRepresentation
from service.config.settings import Config
from service.domain.identity import AccessTokenVerifiers, Authenticator, Identity
from service.domain.identity_provider import IdentityProvider
from service.domain.profiles import ProfileStore
from service.observability.logs import BoundLogger
from service.observability.metrics.catalogue import Metrics


class Access(StrEnum):
    """Who may call a route."""

    PUBLIC = "public"
    SIGNED_IN = "signed in"
    IDENTIFIED = "identified"


@dataclass(slots=True)
class Readiness:
    """The outcome of the last checks: check -> what is wrong; empty means ready."""

    failing: dict[str, str] = field(default_factory=dict)


class Dependency(StrEnum):
    """What a route needs to answer; none of them uses up the places of the others."""

    COGNITO = "cognito"
    DYNAMODB = "dynamodb"
    NOTHING = "nothing"


@dataclass(slots=True)
class Slots:
    """The places of the requests that need one thing."""

    in_flight: int = 0


@dataclass(slots=True)
class ServerLoad:
    """
    How many requests the process is serving, health checks aside, each in the room of its handler.

    *draining* is true from the signal to stop on: no connection is to be kept. *waiting_bytes* are those
    of bodies that are not whole yet.
    """

    needs: Mapping[Handler, Dependency] = field(default_factory=dict)
    rooms: Mapping[Dependency, Slots] = field(
        default_factory=lambda: {each: Slots() for each in Dependency}
    )
    draining: bool = False
    waiting_bytes: int = 0

    def room(self, handler: Handler) -> Slots:
        """Return the room of a handler."""
        return self.rooms[self.needs.get(handler, Dependency.NOTHING)]

    @property
    def in_flight(self) -> int:
        """How many are served in all."""
        return sum(room.in_flight for room in self.rooms.values())


CONFIG: Final = web.AppKey("config", Config)
ACCESS: Final = web.AppKey("access", Mapping[Handler, Access])
IDENTITY_PROVIDER: Final = web.AppKey("identity_provider", IdentityProvider)
AUTHENTICATORS: Final = web.AppKey("authenticators", tuple[Authenticator, ...])
ACCESS_TOKENS: Final = web.AppKey("access_tokens", AccessTokenVerifiers)
PROFILE_STORE: Final = web.AppKey("profile_store", ProfileStore)
PROFILE_REPRESENTATION: Final = web.AppKey("profile_representation", ProfileRepresentation)
READINESS: Final = web.AppKey("readiness", Readiness)
LOG: Final = web.AppKey("log", BoundLogger)
SERVER_LOAD: Final = web.AppKey("load", ServerLoad)
DEADLINES: Final = web.AppKey("deadlines", Deadlines)
METRICS: Final = web.AppKey("metrics", Metrics)
PROFILE_JSON_SCHEMA: Final = web.AppKey("profile_json_schema", bytes)
# Under which user names are hashed that may be none: `hash-key`, or a key that ends with the process.
ACCOUNT_HASH_KEY: Final = web.AppKey("account_hash_key", bytes)
OPENAPI: Final = web.AppKey("openapi", bytes)

REQUEST_ID: Final = web.RequestKey("request_id", str)
TRACE_ID: Final = web.RequestKey("trace_id", str)  # where requests are traced
IDENTITY: Final = web.RequestKey("identity", Identity)
TARGET_UNUSABLE: Final = web.RequestKey("target_unusable", bool)  # there only where it is
SLOTS: Final = web.RequestKey("room", Slots)
ACCESS_TOKEN: Final = web.RequestKey("access_token", str)
PROBLEM_CODE: Final = web.ResponseKey("problem_code", str)
