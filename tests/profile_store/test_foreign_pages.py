"""Pages of a Query that belong to another partition."""

import pytest

from service.aws.clients import open_clients
from service.domain.errors import UpstreamFault
from service.profile_store.own_data.activity_log import DynamoDBActivityLog
from tests.profile_store.scripted_table import scripted_table
from tests.profile_store.table import NOON_TEXT, SetClock
from tests.support.configs import CREDENTIALS, configured

OTHER = {"userId": {"S": "bob~activity"}, "createdAt": {"S": NOON_TEXT}}


@pytest.mark.parametrize(
    "page",
    [{"Items": [OTHER]}, {"Items": [], "LastEvaluatedKey": OTHER}],
    ids=["item", "next page"],
)
async def test_activity_of_another_user_is_the_upstreams_fault(page: dict[str, object]) -> None:
    """An item or a next page of another partition is neither shown nor followed."""
    async with scripted_table() as table:
        table.refusing = [page]
        config = configured({"aws.dynamodb": {"endpoint-url": table.url}})
        async with open_clients(config, CREDENTIALS) as clients:
            log = DynamoDBActivityLog(
                clients.dynamodb, config=config.dynamodb, days=30, clock=SetClock()
            )

            with pytest.raises(UpstreamFault):
                await log.page("alice", limit=10)
    assert table.operations == ["Query"]
