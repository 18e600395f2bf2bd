"""The state of moto's DynamoDB in this process."""

import copy
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

import pytest
from moto.backends import get_backend
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table

_copies: ContextVar[dict[int, Table] | None] = ContextVar("copies", default=None)


def drop_items(table: str) -> None:
    """Empty *table*, which may be in use: a call that is under way works on the items of before."""
    for regions in get_backend("dynamodb").values():
        for backend in regions.values():
            if table in backend.tables:
                backend.tables[table].items = defaultdict(dict)
    for model in (Item, Table):  # or moto keeps each copy to the end of the process
        model.instances_tracked.clear()  # type: ignore[union-attr]  # moto's metaclass adds it


@contextmanager
def one_copy_in_each_transaction() -> Iterator[None]:
    """Let a transaction copy its table once; moto copies the whole table for each of the writes."""
    transact = DynamoDBBackend.transact_write_items

    def transact_write_items(backend: DynamoDBBackend, writes: list[dict[str, Any]]) -> None:
        token = _copies.set({})
        try:
            transact(backend, writes)
        finally:
            _copies.reset(token)

    def copied(table: Table, memo: dict[int, Any]) -> Table:
        copies = _copies.get()
        if copies is not None and id(table) in copies:
            return copies[id(table)]
        made = cast("Table", Table.__new__(type(table)))
        memo[id(table)] = made
        vars(made).update(copy.deepcopy(vars(table), memo))
        if copies is not None:
            copies[id(table)] = made
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DynamoDBBackend, "transact_write_items", transact_write_items)
        patch.setattr(Table, "__deepcopy__", copied, raising=False)
        yield
