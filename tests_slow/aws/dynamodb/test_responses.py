"""A response that is not converted equals what botocore's parser returns."""

import json
from typing import Any, get_args

import botocore.session
import pytest
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from hypothesis import given, settings
from hypothesis import strategies as st

from service.aws.dynamodb.client import Operation
from service.aws.dynamodb.responses import MAX_DEPTH, parse_unconverted


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
responses = st.sampled_from(get_args(Operation)).flatmap(
    lambda operation: st.tuples(
        st.just(operation), st.fixed_dictionaries({}, optional=members) | odd
    )
)


@given(response=responses)
@settings(derandomize=True, deadline=None, max_examples=1_000)
def test_unconverted_response_is_what_botocore_parses(
    model: ServiceModel, response: tuple[Operation, object]
) -> None:
    """A response is either left to botocore, or equal to what botocore parses."""
    operation, value = response
    body = json.dumps(value).encode()

    unconverted = parse_unconverted(operation, body)

    if unconverted is not None:
        received = {"status_code": 200, "headers": {}, "body": body}
        shape = model.operation_model(operation).output_shape
        assert shape is not None
        parsed = create_parser("json").parse(received, shape)
        del parsed["ResponseMetadata"]
        assert json.dumps(unconverted, sort_keys=True) == json.dumps(parsed, sort_keys=True)


@given(item=st.dictionaries(st.text(max_size=3), sound, max_size=3))
@settings(derandomize=True, deadline=None, max_examples=200)
def test_items_without_binary_data_are_not_converted(item: dict[str, Any]) -> None:
    """Items without binary data need no conversion, in the response of any operation."""
    responses_of: dict[Operation, object] = {
        "GetItem": {"Item": item},
        "PutItem": {"Attributes": item},
        "UpdateItem": {"Attributes": item},
        "Query": {"Items": [item], "Count": 1, "ScannedCount": 1, "LastEvaluatedKey": item},
        "BatchGetItem": {"Responses": {"t": [item]}, "UnprocessedKeys": {}},
        "TransactWriteItems": {},
    }
    assert responses_of.keys() == {*get_args(Operation)}

    for operation, response in responses_of.items():
        assert parse_unconverted(operation, json.dumps(response).encode()) == response


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("GetItem", b""),
        ("GetItem", b'{"Item": {"a": {"B": "AA=="}}}'),
        ("BatchGetItem", b'{"UnprocessedKeys": {"t": {"Keys": []}}}'),
    ],
)
def test_other_response_is_left_to_botocore(operation: Operation, body: bytes) -> None:
    """Binary data and unprocessed keys are parsed by botocore."""
    assert parse_unconverted(operation, body) is None


@pytest.mark.parametrize(
    "attribute",
    [None, 0, True, "S", "", [], ["S"], [0], [True], {}, {"S": "a", "N": "1"}, {"S": None}],
    ids=json.dumps,
)
def test_what_only_resembles_an_attribute_is_left_to_botocore(attribute: object) -> None:
    """Each attribute is a map of one member, in items and inside of others."""
    for within in (attribute, {"L": [attribute]}, {"M": {"a": attribute}}):
        body = json.dumps({"Item": {"a": {"S": "a"}, "b": within}}).encode()
        assert parse_unconverted("GetItem", body) is None


def test_items_nested_deeper_than_dynamodb_allows_are_left_to_botocore() -> None:
    """No response exhausts the stack."""

    def nested(levels: int) -> bytes:
        return b'{"Item":{"a":' + b'{"L":[' * levels + b"]}" * levels + b"}}"

    assert parse_unconverted("GetItem", nested(MAX_DEPTH)) is not None
    assert parse_unconverted("GetItem", nested(MAX_DEPTH + 1)) is None
