"""Calls by any of several processes."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests_slow.linearizability import client
from tests_slow.linearizability.client import Answer
from tests_slow.linearizability.cluster import Cluster

PATH = "/v1/user/profile"


@dataclass(frozen=True, slots=True)
class Scale:
    """How many users there are, so many at once, and writers with so many increments each."""

    users: int
    users_at_once: int
    writers: int
    increments: int
    read_timeout_s: float


class Balancer:
    """Sends each call to the next of the processes, as a load balancer does."""

    def __init__(self, processes: Cluster) -> None:
        self._urls: Iterator[str] = itertools.cycle([life.url for life in processes.lives])

    async def call(
        self,
        user_id: str,
        method: str,
        body: Mapping[str, object] | None = None,
        **headers: str,
    ) -> Answer:
        """Call the profile of a user; *headers* with `_` for `-`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        identity = {"x-amzn-oidc-identity": user_id, **sent}
        return await client.call(next(self._urls), method, PATH, identity, body)
