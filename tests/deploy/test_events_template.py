"""The events of profiles: what the function makes of each change, and what the template allows whom."""

import json
import re
from typing import Any, Final

import pytest
from openapi_schema_validator import OAS31Validator, oas31_format_checker

from service.api.schemas.profiles import ProfileSchema
from service.profile_store import items
from service.profile_store.items import Item
from tests.deploy.mapping import (
    FIELDS,
    MODULE,
    PIPE,
    TEMPLATE,
    Record,
    handled,
    matches,
    on_the_bus,
    passes_filter,
)
from tests.deploy.templates import FOLDER, of_type

DOCS: Final = FOLDER.parent.parent / "docs"
PAGE: Final = (DOCS / "events.md").read_text(encoding="utf-8")
SCHEMA: Final = json.loads((DOCS / "profile-event.schema.json").read_text(encoding="utf-8"))
VALIDATOR: Final = OAS31Validator(SCHEMA, format_checker=oas31_format_checker)
T0: Final = "2096-02-29T12:00:00.000Z"
AT: Final = 3_981_398_400  # 2096-03-01T00:00:00Z, as the stream has it
EXPIRY: Final = {"userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}}

VERSION_3: Final[Item] = {
    "city": {"S": "Pune"},
    "updatedAt": {"S": T0},
    "version": {"N": "3"},
    "writeId": {"S": "c b a"},
}
VERSION_4: Final[Item] = {**VERSION_3, "version": {"N": "4"}, "writeId": {"S": "d c b a"}}
TOMBSTONE: Final[Item] = {
    "version": {"N": "4"},
    "writeId": {"S": "d c b a"},
    "deletedAt": {"S": T0},
    "expiresAt": {"N": "1"},
}
FOREIGN: Final[Item] = {"city": {"S": "Pune"}, "loyalty": {"M": {"points": {"N": "7"}}}}


def record(
    old: Item | None,
    new: Item | None,
    *,
    user_id: str = "u-1",
    created_at: str = T0,
) -> Record:
    """Return a record as the pipe hands it to the function."""
    keys = {"userId": {"S": user_id}, "createdAt": {"S": created_at}}
    images = {"OldImage": old, "NewImage": new}
    name = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
    return {
        "eventName": name,
        "dynamodb": {
            "ApproximateCreationDateTime": AT + 0.5,
            "Keys": keys,
            **{image: {**keys, **item} for image, item in images.items() if item is not None},
        },
    }


def outline(event: dict[str, Any]) -> tuple[Any, ...]:
    """Return the action, the version and the changed fields of an event."""
    detail = event["detail"]
    assert detail["userId"] == "u-1"
    assert detail["createdAt"] == T0
    assert detail["at"] == "2096-03-01T00:00:00Z"
    action = event["type"].removeprefix("user.profile.")
    return (action, detail["version"], *([detail["changed"]] if "changed" in detail else []))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (None, {**VERSION_3, "version": {"N": "1"}}, ("created", 1)),
        (VERSION_3, {**VERSION_4, "city": {"S": "Goa"}}, ("updated", 4, ["city"])),
        (VERSION_3, VERSION_4, ("updated", 4, [])),
        (VERSION_3, TOMBSTONE, ("erased", 4)),
        (None, FOREIGN, ("created", 0)),
        (FOREIGN, {**FOREIGN, "bio": {"S": "b"}}, ("updated", 0, ["bio"])),
        (FOREIGN, {**VERSION_3, "version": {"N": "1"}, "bio": {"S": "b"}}, ("updated", 1, ["bio"])),
        (VERSION_3, {**VERSION_3, "email": {"S": "e"}}, ("updated", 3, ["email"])),
        (VERSION_3, {**VERSION_3, "version": {"S": "junk"}}, ("updated", 0, [])),
        (VERSION_3, None, ("erased", 4)),
        (FOREIGN, {**FOREIGN, "deletedAt": {"S": "x"}}, ("erased", 1)),
        ({**FOREIGN, "deletedAt": {"S": "x"}}, FOREIGN, ("created", 0)),
    ],
    ids=[
        "create",
        "update",
        "update of attributes that are no fields",
        "erasure",
        "item of another program",
        "field by another program, before adoption",
        "adoption",
        "field by another program",
        "version overwritten",
        "DeleteItem",
        "deleted by another program",
        "restored by another program",
    ],
)
def test_change_of_a_profile_is_one_event(
    old: Item | None, new: Item | None, expected: tuple[Any, ...]
) -> None:
    """A record of a profile is an event, whoever wrote the item."""
    change = record(old, new)
    (event,) = handled([change])

    assert passes_filter(change)
    assert outline(event) == expected
    VALIDATOR.validate(on_the_bus(event))


@pytest.mark.parametrize(
    "change",
    [
        record(None, {"claimedFor": {"S": T0}}, created_at="~claim"),
        record(None, VERSION_3, user_id="u-1~history"),
        record(VERSION_3, None, user_id="u-1~activity"),
        {**record(TOMBSTONE, None), **EXPIRY},
        {**record(VERSION_3, None), **EXPIRY},
        {**record(TOMBSTONE, None), "userIdentity": None},
        record(VERSION_3, {**VERSION_3, "loyalty": {"N": "7"}}),
        record(VERSION_3, {**VERSION_3, "writeId": {"S": "c"}}),
        record({**FOREIGN, "deletedAt": {"S": "x"}}, TOMBSTONE),
    ],
    ids=[
        "claim",
        "history",
        "activity",
        "expired tombstone",
        "expired profile",
        "tombstone removed",
        "attribute that is no field",
        "fewer write ids",
        "deleted twice",
    ],
)
def test_other_records_are_no_events(change: Record) -> None:
    """What is no change of a profile causes no event, also where the filter lets it through."""
    assert handled([change]) == []


def test_filter_keeps_claims_and_expiries_out() -> None:
    """Records of claims and removals by TTL do not reach the function."""
    assert not passes_filter(record(None, {}, created_at="~claim"))
    assert not passes_filter({**record(TOMBSTONE, None), **EXPIRY})


def test_filter_uses_what_pipes_support() -> None:
    """Pipes know neither wildcards nor anything-but with another operator, which buses do."""
    (pattern,) = (each["Pattern"] for each in PIPE["SourceParameters"]["FilterCriteria"]["Filters"])

    assert '"wildcard"' not in pattern
    assert not re.search(r'"anything-but": *\{', pattern)


def test_batch_keeps_its_order() -> None:
    """The events of a batch have the order of its records."""
    batch = [record(None, VERSION_3), record(VERSION_3, VERSION_4), record(VERSION_4, TOMBSTONE)]
    versions = [event["detail"]["version"] for event in handled(batch)]

    assert versions == [3, 4, 5]


def test_event_has_no_data_of_the_profile() -> None:
    """An event has the names of fields, and of no other attributes; no value is in it."""
    old: Item = {**VERSION_3, "session#secret-1": {"S": "secret-2"}, "email": {"S": "secret-3"}}
    new: Item = {**VERSION_4, "session#secret-4": {"S": "secret-5"}, "email": {"S": "secret-6"}}
    images = (None, old), (old, new), (new, TOMBSTONE)
    events = handled([record(*pair) for pair in images])

    assert "secret" not in json.dumps(events)
    assert [event["detail"].get("changed") for event in events] == [None, ["email"], None]


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"version": {"N": "3"}},
        {"version": {"N": "3"}, "writeId": {"S": "a"}},
        {"version": {"N": "1.5"}, "writeId": {"S": "a"}},
        {"version": {"N": "-1"}, "writeId": {"S": "a"}},
        {"version": {"N": "9" * 16}, "writeId": {"S": "a"}},
        {"version": {"S": "3"}, "writeId": {"S": "a"}},
        {"deletedAt": {"N": "1"}},
        {"deletedAt": {"S": "1"}},
    ],
)
def test_items_are_read_as_the_service_reads_them(attributes: Item) -> None:
    """The version of an item, and whether it is deleted, are what the API says."""
    item = {**items.key("u-1", T0), **attributes}

    assert MODULE["version_of"](item) == items.version_of(item)
    assert (MODULE["live"](item) is not None) == items.is_live(item)


def test_fields_are_those_of_the_schema() -> None:
    """By default events name the fields that a profile has by default."""
    assert FIELDS.split() == [field.data_key for field in ProfileSchema().fields.values()]


def test_roles_may_do_what_they_must() -> None:
    """No right is for everything, but to list streams, which takes no resource."""
    statements = [
        statement
        for role in of_type(TEMPLATE, "AWS::IAM::Role").values()
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    anywhere = [each["Action"] for each in statements if each["Resource"] == "*"]

    assert anywhere == ["dynamodb:ListStreams"]
    assert not any("*" in action for each in statements for action in each["Action"])


def test_every_alarm_is_explained() -> None:
    """The page on events says what to do for each alarm, and names no other."""
    alarms = of_type(TEMPLATE, "AWS::CloudWatch::Alarm")

    assert re.findall(r"^\| `(\w+Alarm)` \|", PAGE, re.MULTILINE) == [*alarms]
    assert all(alarm["AlarmActions"]["Fn::If"][0] == "Alarms" for alarm in alarms.values())


def test_examples_are_events() -> None:
    """Each event on the page, and in the schema, is one by the schema."""
    shown = [
        json.loads(text)
        for text in re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    ]
    events = [each for each in shown if "detail" in each and "id" in each]

    assert events
    for event in [*events, *SCHEMA["examples"]]:
        VALIDATOR.validate(event)


@pytest.mark.parametrize(
    "wrong",
    [{"detail-type": "user.profile.deleted"}, {"source": "aws.dynamodb"}, {"detail": {}}],
)
def test_schema_refuses_what_is_no_event(wrong: dict[str, Any]) -> None:
    """An event with another type, source or without its members is none by the schema."""
    (event,) = handled([record(VERSION_3, VERSION_4)])

    assert not VALIDATOR.is_valid({**on_the_bus(event), **wrong})
    without_changes = {k: v for k, v in event["detail"].items() if k != "changed"}
    assert not VALIDATOR.is_valid({**on_the_bus(event), "detail": without_changes})


def test_example_rules_match_events() -> None:
    """The rule for erasures matches them alone, that of a field its changes alone."""
    erasures, emails = (
        json.loads(text) for text in re.findall(r"--event-pattern '(.*?)'", PAGE, re.DOTALL)
    )
    changes = (VERSION_3, {**VERSION_4, "email": {"S": "e"}}), (VERSION_3, VERSION_4)
    events = handled([record(*pair) for pair in (*changes, (VERSION_4, TOMBSTONE))])
    email, other, erasure = map(on_the_bus, events)

    def matching(pattern: dict[str, Any]) -> list[dict[str, Any]]:
        from_bus = (email, other, erasure)
        return [each for each in from_bus if matches(pattern, each)]

    assert matching(erasures) == [erasure]
    assert matching(emails) == [email]
