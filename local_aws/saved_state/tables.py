"""DynamoDB's tables as plain values, and back."""

from collections.abc import Iterator
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

# Attributes that are set after the table is made.
PLAIN = ("created_at", "ttl", "continuous_backups")
# Parameters of Table that are attributes of the same name.
PARAMETERS = (
    *("schema", "attr", "throughput", "billing_mode", "sse_specification", "tags"),
    *("deletion_protection_enabled", "warm_throughput"),
)


def collect() -> list[dict[str, Any]]:
    """Return the tables of all accounts and regions."""
    return [
        _saved(table)
        for regions in dynamodb_backends.values()
        for backend in regions.values()
        for table in backend.tables.values()
    ]


def _saved(table: Table) -> dict[str, Any]:
    return {
        "table_name": table.name,
        "account_id": table.account_id,
        "region": table.region_name,
        **{name: getattr(table, name) for name in (*PARAMETERS, *PLAIN)},
        "indexes": [index.describe() for index in table.indexes],
        "global_indexes": [index.describe() for index in table.global_indexes],
        "streams": table.stream_specification if table.stream_shard else None,
        "items": [item.to_json()["Attributes"] for item in table.all_items()],
    }


def added(saved: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Table], str, Table]]:
    """Yield the dictionary, name and value of each saved table; raises for malformed ones."""
    for each in saved:
        table = _table(each)
        backend = dynamodb_backends[table.account_id][table.region_name]
        yield backend.tables, table.name, table


def _table(saved: dict[str, Any]) -> Table:
    plain = {name: saved.pop(name) for name in PLAIN}
    items = saved.pop("items")
    table = Table(**saved)  # type: ignore[abstract]  # -- moto makes them so, too
    for name, value in plain.items():
        setattr(table, name, value)
    for attributes in items:
        partition = DynamoType(attributes[table.hash_key_attr])
        if table.range_key_attr is None:
            item = Item(partition, None, attributes)
            table.items[partition] = item  # type: ignore[assignment]  # -- as moto does
        else:
            sort = DynamoType(attributes[table.range_key_attr])
            table.items[partition][sort] = Item(partition, sort, attributes)
    return table
