"""The function of events.yaml, with the code that Lambda gets, and the filter of its pipe."""

import json
from collections.abc import Mapping
from typing import Any, Final

import pytest
from moto.events.models import EventPattern

from tests.deploy.templates import EVENTS, load

TEMPLATE: Final = load(EVENTS)
FIELDS: Final[str] = TEMPLATE["Parameters"]["ProfileFields"]["Default"]
CODE: Final[str] = TEMPLATE["Resources"]["Mapping"]["Properties"]["Code"]["ZipFile"]
MODULE: Final[dict[str, Any]] = {"__name__": "index"}
exec(compile(CODE, "events.yaml", "exec"), MODULE)  # noqa: S102 -- code of this repository
PIPE: Final = TEMPLATE["Resources"]["Pipe"]["Properties"]

Record = Mapping[str, Any]


def passes_filter(record: Record) -> bool:
    """Return whether the pipe passes a record of the stream on to the function."""
    (pattern,) = (
        json.loads(each["Pattern"])
        for each in PIPE["SourceParameters"]["FilterCriteria"]["Filters"]
    )
    return matches(pattern, record)


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Return whether an event has a pattern of EventBridge."""
    matcher: Any = EventPattern(None, dict(pattern))
    found: bool = matcher.matches_event(event)
    return found


def handled(records: list[Record], fields: str = FIELDS) -> list[dict[str, Any]]:
    """Return what the function answers to a batch, with *fields* in its environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROFILE_FIELDS", fields)
        events: list[dict[str, Any]] = MODULE["handler"](records, None)
    return events


def on_the_bus(event: dict[str, Any]) -> dict[str, Any]:
    """Return an answer of the function as the pipe puts it on the bus."""
    parameters = PIPE["TargetParameters"]
    bus = parameters["EventBridgeEventBusParameters"]
    paths = {"$.type": event["type"], "$.detail.at": event["detail"]["at"]}
    assert parameters["InputTemplate"] == "<$.detail>"
    return {
        "source": bus["Source"],
        "detail-type": paths[bus["DetailType"]],
        "time": paths[bus["Time"]],
        "detail": event["detail"],
    }
