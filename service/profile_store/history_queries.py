"""The reads of past states of profiles."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from service.aws.failure_advice import AwsResource
from service.domain.profiles import Profile
from service.domain.values.timestamps import Clock
from service.profile_store import items, partitions, past_states
from service.profile_store.past_states import PastState, Retention
from service.profile_store.queries import query_pages

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from service.aws.dynamodb.client import DynamoDBClient
    from service.profile_store.items import Item

BEFORE_ALL: Final = "v"  # sort keys
AFTER_ALL: Final = "v~"
AFTER_DIGESTS: Final = "~"
NAMES: Final = {
    "#userId": items.PARTITION_KEY,
    "#sortKey": items.SORT_KEY,
    "#profile": partitions.PROFILE_CREATED_AT,
    "#from": past_states.BEGINS,
    "#until": past_states.ENDS,
    "#changed": past_states.CHANGED,
    "#other": past_states.OTHER_APPLICATION,
    "#expiresAt": items.EXPIRES_AT,
}


class HistoryQueries:
    """
    Queries of the history partitions in *table*, all strongly consistent.

    The states of one version are a group: usually one, and more where other applications changed the
    profile between a write that failed and the next one. The live state of a profile is no past state: a
    write that failed may have put it.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        *,
        table: str,
        resource: AwsResource,
        retention: Retention,
        clock: Clock,
    ) -> None:
        self._client = client
        self._table = table
        self._resource = resource
        self._retention = retention
        self._clock = clock

    async def newest(self, profile: Profile) -> PastState | None:
        """Return the newest state of the profile in the history, be it live or expired."""
        async with aclosing(self._pages(profile, AFTER_ALL, limit=1)) as pages:
            async for page in pages:
                for item in page:
                    state = past_states.state_of(item, profile)
                    if state is not None:
                        return state
        return None

    def is_as_written(self, profile: Profile) -> bool:
        """Return whether no other application is known to have changed the profile since its write."""
        made = past_states.last_write_of(profile)
        return made is None or made.digest == self._digest(profile)

    async def newest_groups(
        self, profile: Profile, *, up_to: int | None, number: int
    ) -> list[list[PastState]]:
        """Return up to *number* groups without their fields, of versions up to *up_to*, newest first."""
        highest = profile.version or None
        if up_to is not None:
            highest = up_to if highest is None else min(up_to, highest)
        last = AFTER_ALL if highest is None else past_states.sort_key(highest, AFTER_DIGESTS)
        groups: list[list[PastState]] = []
        async with aclosing(self._pages(profile, last, limit=number + 1)) as pages:
            async for page in pages:
                for item in page:
                    state = self._past_state(item, profile)
                    if state is None:
                        continue
                    if groups and groups[-1][0].version == state.version:
                        groups[-1].append(state)
                    elif len(groups) < number:
                        groups.append([state])
                    else:
                        return [*map(_sorted, groups)]
        return [*map(_sorted, groups)]

    async def group(self, profile: Profile, version: int) -> list[PastState]:
        """Return the past states of one version, with their fields."""
        first = past_states.sort_key(version, "")
        pages = self._query(profile, first, first + AFTER_DIGESTS)
        states = [
            state
            async for page in pages
            for item in page
            if (state := self._past_state(item, profile)) is not None
        ]
        return _sorted(states)

    def _pages(self, profile: Profile, last: str, *, limit: int) -> AsyncGenerator[list[Item]]:
        """Yield items up to the sort key *last* without their fields, newest first."""
        return self._query(
            profile,
            BEFORE_ALL,
            last,
            ProjectionExpression=", ".join(NAMES),
            ExpressionAttributeNames=NAMES,
            ScanIndexForward=False,
            Limit=limit,
        )

    def _query(
        self,
        profile: Profile,
        first: str,
        last: str,
        **options: Any,  # noqa: ANN401 -- botocore's
    ) -> AsyncGenerator[list[Item]]:
        names = {"#userId": items.PARTITION_KEY, "#sortKey": items.SORT_KEY}
        request = {
            "TableName": self._table,
            "KeyConditionExpression": "#userId = :partition AND #sortKey BETWEEN :first AND :last",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {
                ":partition": {"S": past_states.partition_of(profile)},
                ":first": {"S": first},
                ":last": {"S": last},
            },
            "ConsistentRead": True,
        }
        return query_pages(self._client, self._resource, **request | options)

    def _digest(self, profile: Profile) -> str:
        return past_states.digest_of(profile, self._retention.declared)

    def _past_state(self, item: Item, profile: Profile) -> PastState | None:
        """Return the state in an item; None if it has expired, is the live one, or is another's."""
        state = past_states.state_of(item, profile)
        if state is None or past_states.has_expired(item, self._clock(), self._retention.period):
            return None
        if state.digest != self._digest(profile):
            return state
        is_live = (
            state.version == profile.version if profile.version else state.by_other_application
        )
        return None if is_live else state


def _sorted(group: list[PastState]) -> list[PastState]:
    """Return states of one version, oldest first: that which this service wrote, then the others."""
    return sorted(group, key=lambda state: (state.by_other_application, state.ends))
