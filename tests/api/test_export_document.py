"""The JSON of values that DynamoDB stores."""

import tracemalloc

from service.api.export_document import stored_json
from service.domain.values.json_values import JsonValue


def test_memory_is_that_of_the_text() -> None:
    """Many short texts, of which an item of 400 KB has 100,000, take no buffer each."""
    texts: list[JsonValue] = ["a"] * 1_000
    tracemalloc.start()
    try:
        written = stored_json({"texts": texts})
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert written == b'{"texts":[' + b",".join([b'"a"'] * 1_000) + b"]}"
    assert peak_bytes < 200_000
