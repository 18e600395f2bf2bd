"""The cases: each is a server and the requests that it gets."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from bench import profiles, servers, tokens, traffic


@dataclass(frozen=True, slots=True)
class Keys:
    """The signers of the tokens in requests."""

    pool: tokens.UserPool
    balancer: tokens.LoadBalancer


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the result; a response has *status* and, for a read with 200, the user's profile."""

    name: str
    server: str
    requests: Callable[[Keys], list[bytes]]
    status: HTTPStatus = HTTPStatus.OK


def _bearer(keys: Keys) -> list[bytes]:
    return traffic.reads_by_bearer([keys.pool.access_token(sub) for sub in profiles.known_users()])


def _behind_balancer(keys: Keys) -> list[bytes]:
    return traffic.reads_behind_load_balancer(
        {sub: keys.balancer.token(sub) for sub in profiles.known_users()}
    )


def _reads(_: Keys) -> list[bytes]:
    return traffic.reads_of_known_users()


FLOOR: Final = Case("floor", servers.FLOOR, _reads)
GET_COLD: Final = Case("GET cold", servers.SERVICE, lambda _: traffic.reads_of_new_users())
GET_UNGATHERED: Final = Case("GET ungathered", servers.SERVICE_UNGATHERED, _reads)
# For the memory per user, in fresh processes.
FIRST_USERS: Final = Case("first users", servers.SERVICE_OF_MANY, _reads)
MANY_USERS: Final = Case(
    "many users", servers.SERVICE_OF_MANY, lambda _: traffic.reads_of_new_users()
)
GET_WARM: Final = Case("GET warm", servers.SERVICE, _reads)

FIRST: Final = (  # what `quick` measures
    FLOOR,
    GET_WARM,
    GET_COLD,
    Case("POST", servers.SERVICE, lambda _: traffic.merges()),
)
CASES: Final = (
    *FIRST,
    Case("POST new", servers.SERVICE, lambda _: traffic.creations(), HTTPStatus.CREATED),
    Case("GET bearer", servers.SERVICE, _bearer),
    Case("GET alb", servers.SERVICE_BEHIND_BALANCER, _behind_balancer),
    GET_UNGATHERED,
    Case("login", servers.SERVICE_FOR_LOGINS, lambda _: traffic.logins()),
    *(Case(peer, peer, _reads) for peer in servers.PEERS),
)
