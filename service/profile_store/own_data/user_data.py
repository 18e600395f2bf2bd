"""The UserDataReader port on DynamoDB: the items of a user, with the attributes of other applications."""

from __future__ import annotations

import math
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from service.aws.failure_advice import AwsResource
from service.domain.user_data import UserData
from service.domain.values.timestamps import Clock
from service.observability.upstream_calls import DYNAMODB
from service.profile_store import items, partitions, past_states
from service.profile_store.attribute_values import from_attribute
from service.profile_store.queries import TableReads, query_pages

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from service.aws.dynamodb.client import DynamoDBClient
    from service.config.settings import DynamoDBConfig
    from service.domain.profiles import Fields
    from service.profile_store.items import Item

# Of a live profile: their values are the service's if they have these types.
_KINDS: Final = {items.UPDATED_AT: "S", items.WRITE_ID: "S", items.LAST_WRITE: "M"}
_KEYS: Final = frozenset({items.PARTITION_KEY, items.SORT_KEY})


class DynamoDBUserData:
    """The UserDataReader port on an open *client*, which the caller closes."""

    def __init__(
        self, client: DynamoDBClient, *, config: DynamoDBConfig, clock: Clock, region: str = ""
    ) -> None:
        self._client = client
        self._table = config.user_profile_table
        self._clock = clock
        self._resource = AwsResource(DYNAMODB, region, table=self._table)
        self._reads = TableReads(client, table=self._table, consistent_read=True, region=region)

    async def read(self, user_id: str) -> UserData:
        """Return the data of a user."""
        present = await self._reads.query_user_items(user_id, consistent=True)
        live = items.live_item(present)
        others = [_other_item(item) for item in present if item is not live]
        return UserData(
            profile=None if live is None else items.profile_of(live),
            other_attributes={} if live is None else _other_attributes(live),
            other_items=[item for item in others if item],
        )

    async def history(self, user_id: str) -> AsyncGenerator[Sequence[Fields]]:
        """Yield all past states, whether or not the history is still kept."""
        now_s = self._clock().timestamp()
        query = partitions.data_of(self._table, user_id, partitions.HISTORY)
        pages = query_pages(self._client, self._resource, **query)
        async with aclosing(pages):
            async for page in pages:
                yield [_past_state(item) for item in page if _is_kept(item, now_s)]


def _is_kept(item: Item, now_s: float) -> bool:
    """Return whether the item is a past state that has neither been erased nor expired."""
    return not items.is_deleted(item) and items.expires_at_s(item, default=math.inf) > now_s


def _past_state(item: Item) -> Fields:
    """Return what an item holds, with the version that its sort key has."""
    key = past_states.parsed_key(item[items.SORT_KEY]["S"])
    version: Fields = {} if key is None else {"version": key[0]}
    without = _KEYS | {items.EXPIRES_AT}
    return {
        **version,
        **{name: from_attribute(item[name]) for name in sorted(item.keys() - without)},
    }


def _other_attributes(live: Item) -> Fields:
    """Return the attributes with names of the service's own that it has not written itself."""
    own = {name for name, kind in _KINDS.items() if kind in live.get(name, {})}
    if items.version_of(live):
        own.add(items.VERSION)
    names = (items.OWN_ATTRIBUTES & live.keys()) - _KEYS - own
    return {name: from_attribute(live[name]) for name in sorted(names)}


def _other_item(item: Item) -> Fields:
    """Return the attributes of an item that is not the profile; none of what only the service wrote."""
    if items.is_tombstone(item):
        return {}
    without = frozenset({items.PARTITION_KEY})
    if items.is_claim(item):
        if item.keys() <= items.CLAIM_ATTRIBUTES:
            return {}
        without = items.CLAIM_ATTRIBUTES - {items.SORT_KEY}
    return {name: from_attribute(item[name]) for name in sorted(item.keys() - without)}
