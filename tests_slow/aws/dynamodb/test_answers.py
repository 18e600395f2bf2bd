"""What is taken as it is, is what botocore's parser makes of it."""

import json
from typing import Any

import botocore.session
import pytest
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from hypothesis import given, settings
from hypothesis import strategies as st

from service.aws.dynamodb.answers import MAX_DEPTH, OPERATIONS, read_as_it_is


@pytest.fixture(name="model", scope="module")
def _model() -> ServiceModel:
    """Return botocore's model of DynamoDB."""
    return botocore.session.Session().get_service_model("dynamodb")


scalars: st.SearchStrategy[Any] = (
    st.text(max_size=3) | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none()
)
kinds = st.sampled_from(["S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL", "X"])
sound: st.SearchStrategy[Any] = st.recursive(
    st.builds(lambda kind, text: {kind: text}, st.sampled_from(["S", "N"]), st.text(max_size=3))
    | st.builds(lambda kind, truth: {kind: truth}, st.sampled_from(["BOOL", "NULL"]), st.booleans())
    | st.builds(lambda texts: {"SS": texts}, st.lists(st.text(max_size=3), max_size=3)),
    lambda inner: (
        st.builds(lambda several: {"L": several}, st.lists(inner, max_size=3))
        | st.builds(
            lambda names: {"M": names}, st.dictionaries(st.text(max_size=3), inner, max_size=3)
        )
    ),
    max_leaves=8,
)
odd: st.SearchStrategy[Any] = st.recursive(
    scalars | sound,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(kinds, inner, max_size=2)
        | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=8,
)
items = st.dictionaries(st.text(max_size=3), sound | sound | odd, max_size=3)
members: dict[str, st.SearchStrategy[Any]] = {
    "Item": items | odd,
    "Items": st.lists(items, max_size=3) | odd,
    "Attributes": items | odd,
    "Responses": st.dictionaries(st.text(max_size=3), st.lists(items, max_size=2)) | odd,
    "UnprocessedKeys": st.just({}) | odd,
    "LastEvaluatedKey": items | odd,
    "Count": st.integers() | odd,
    "ScannedCount": st.integers() | odd,
    "ConsumedCapacity": odd,
    "ResponseMetadata": odd,
    "Weather": odd,
}
answers = st.sampled_from(sorted(OPERATIONS)).flatmap(
    lambda operation: st.tuples(
        st.just(operation), st.fixed_dictionaries({}, optional=members) | odd
    )
)


@given(answer=answers)
@settings(derandomize=True, deadline=None, max_examples=1_000)
def test_what_is_taken_is_what_botocore_reads(
    model: ServiceModel, answer: tuple[str, object]
) -> None:
    """An answer is either left to botocore, or exactly what botocore makes of it."""
    operation, value = answer
    body = json.dumps(value).encode()

    taken = read_as_it_is(operation, 200, body)

    if taken is not None:
        response = {"status_code": 200, "headers": {}, "body": body}
        shape = model.operation_model(operation).output_shape
        assert shape is not None
        read = create_parser("json").parse(response, shape)
        del read["ResponseMetadata"]
        assert json.dumps(taken, sort_keys=True) == json.dumps(read, sort_keys=True)


@given(item=st.dictionaries(st.text(max_size=3), sound, max_size=3))
@settings(derandomize=True, deadline=None, max_examples=200)
def test_what_dynamodb_usually_says_is_taken(item: dict[str, Any]) -> None:
    """Items without binary parts need no conversion, in the answer of any operation."""
    usual: dict[str, object] = {
        "GetItem": {"Item": item},
        "UpdateItem": {"Attributes": item},
        "Query": {"Items": [item], "Count": 1, "ScannedCount": 1, "LastEvaluatedKey": item},
        "BatchGetItem": {"Responses": {"t": [item]}, "UnprocessedKeys": {}},
        "TransactWriteItems": {},
    }
    assert usual.keys() == OPERATIONS

    for operation, answer in usual.items():
        assert read_as_it_is(operation, 200, json.dumps(answer).encode()) == answer


@pytest.mark.parametrize(
    ("operation", "status", "body"),
    [
        ("GetItem", 400, b"{}"),
        ("GetItem", 201, b"{}"),
        ("DescribeTable", 200, b"{}"),
        ("GetItem", 200, b""),
        ("GetItem", 200, b'{"Item": {"a": {"B": "AA=="}}}'),
        ("BatchGetItem", 200, b'{"UnprocessedKeys": {"t": {"Keys": []}}}'),
    ],
)
def test_all_else_is_left_to_botocore(operation: str, status: int, body: bytes) -> None:
    """Other statuses and operations, bytes and unprocessed keys are botocore's to read."""
    assert read_as_it_is(operation, status, body) is None


def test_what_is_nested_deeper_than_dynamodb_does_is_left_to_botocore() -> None:
    """No answer makes the service run out of stack."""

    def nested(levels: int) -> bytes:
        return b'{"Item":{"a":' + b'{"L":[' * levels + b"]}" * levels + b"}}"

    assert read_as_it_is("GetItem", 200, nested(MAX_DEPTH)) is not None
    assert read_as_it_is("GetItem", 200, nested(MAX_DEPTH + 1)) is None
