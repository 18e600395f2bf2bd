"""The state of moto's DynamoDB in this process."""

from collections import defaultdict

from moto.backends import get_backend


def drop_items(table: str) -> None:
    """Empty *table*, which may be in use: a call that is under way works on the items of before."""
    for regions in get_backend("dynamodb").values():
        for backend in regions.values():
            if table in backend.tables:
                backend.tables[table].items = defaultdict(dict)
