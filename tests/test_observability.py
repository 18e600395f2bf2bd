"""The tables of docs/observability.md are those of the code."""

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from service.api.audit_log import AuditEvent, emit
from service.app import Adapters, create_app
from service.observability import upstream_calls
from service.observability.metrics.catalogue import BREAKER_STATES, METHODS
from service.rate_limiting.limited_actions import RateLimitedAction
from tests.observability.metrics.samples import filled_metrics
from tests.support.configs import configured, opening

ALICE = {"x-amzn-oidc-identity": "alice"}
ROOT = Path(__file__).parent.parent
DOCUMENT = (ROOT / "docs/observability.md").read_text(encoding="utf-8")
LEVELS = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "error": "error",
    "exception": "error",
}
# Fields that are no keyword of a call: bound before, given as a mapping, or added by structlog.
ELSEWHERE: Mapping[str, set[str]] = {
    "keys_unavailable": {"advice", "setting"},
    "activity_write_failed": {"exception"},
    "aws_call_failed": {
        "advice",
        "client_id",
        "message",
        "operation",
        "region",
        "setting",
        "table",
        "upstream",
    },
    "cognito_call_refused": {"advice", "setting"},
    "health_check_error": {"exception"},
    "request_abandoned": {"peer"},
    "request_failed": {"exception", "peer"},
    "request_refused": {"peer"},
    "request_timed_out": {"peer"},
    "request_unreadable": {"peer"},
}
BY_HAND = {"request_finished"}  # its fields are checked in a real event


class _Events:
    """The events that the code writes: their levels and fields."""

    def __init__(self) -> None:
        self.levels: dict[str, set[str]] = {}
        self.fields: dict[str, set[str]] = {}
        for path in sorted((ROOT / "service").rglob("*.py")):
            for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(call, ast.Call):
                    self._note(call)

    def _note(self, call: ast.Call) -> None:
        levels = {*_levels(call.func)}
        first = call.args[0] if call.args else None
        if not levels or not isinstance(first, ast.Constant) or not isinstance(first.value, str):
            return
        self.levels.setdefault(first.value, set()).update(levels)
        fields = {keyword.arg for keyword in call.keywords if keyword.arg is not None}
        self.fields.setdefault(first.value, set()).update(fields - {"exc_info"})


def _levels(function: ast.expr) -> Iterator[str]:
    """Yield the levels of a logger's method, also where an expression chooses it."""
    if isinstance(function, ast.Attribute) and function.attr in LEVELS:
        yield LEVELS[function.attr]
    elif isinstance(function, ast.IfExp):
        yield from _levels(function.body)
        yield from _levels(function.orelse)
    elif (isinstance(function, ast.Call) and getattr(function.func, "id", "") == "getattr") or (
        isinstance(function, ast.Attribute) and function.attr == "log_event"
    ):
        yield from ("debug", "info")


@pytest.fixture(name="events", scope="module")
def _events() -> _Events:
    return _Events()


def _documented_events() -> dict[str, tuple[set[str], set[str]]]:
    """Return the events of the table: their levels and fields."""
    rows = re.findall(r"^\| `(\w+)` \| ([a-z, ]+) \| ([^|]*) \|", DOCUMENT, re.MULTILINE)
    return {
        name: ({*levels.split(", ")}, {*re.findall(r"`(\w+)`", fields)})
        for name, levels, fields in rows
        if {*levels.split(", ")} <= {*LEVELS}
    }


def _listed(label: str) -> set[str]:
    """Return the values of a label in the table."""
    (row,) = re.findall(rf"^\| `{label}` \| (`.*) \|$", DOCUMENT, re.MULTILINE)
    return {*re.findall(r"`(\w+)`", row)}


def test_every_event_is_listed_with_level_and_fields(events: _Events) -> None:
    """The table has every event that the code writes, as it writes it, and no other."""
    documented = _documented_events()

    assert {name: levels for name, (levels, _) in documented.items()} == events.levels
    assert {name: fields for name, (_, fields) in documented.items() if name not in BY_HAND} == {
        name: fields | ELSEWHERE.get(name, set())
        for name, fields in events.fields.items()
        if name not in BY_HAND
    }


async def test_request_has_the_fields_that_are_listed(memory: Adapters) -> None:
    """A refused request of an identified user has all the fields of its event."""
    app = create_app(configured(), opening(memory))
    async with TestClient(TestServer(app)) as client:
        with capture_logs() as logs:
            async with client.get("/v1/user/profile", headers=ALICE) as answer:
                assert answer.status == 404

    (line,) = (event for event in logs if event["event"] == "request_finished")
    assert line.keys() - {"event", "log_level"} == _documented_events()["request_finished"][1]


def test_security_events_are_listed_elsewhere(events: _Events) -> None:
    """Security events are listed in docs/operations.md only; this page names their fields."""
    documented = _documented_events()
    assert documented.keys().isdisjoint(AuditEvent)
    assert events.levels.keys().isdisjoint(AuditEvent)

    (said,) = re.findall(r"with the fields\n(.*?), each where", DOCUMENT, re.DOTALL)
    given = inspect.signature(emit).parameters.values()
    names = {each.name for each in given if each.kind is each.KEYWORD_ONLY} - {"refusal"}
    assert {*re.findall(r"`(\w+)`", said)} == names | {"address", "code"}


class _Family(NamedTuple):
    """A metric as a scrape shows it; a histogram's *buckets* are the bounds of its values."""

    name: str
    kind: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...]


def _families() -> list[_Family]:
    """Return the service's own metrics, those of the process left out."""
    families = []
    for family in filled_metrics().registry.collect():
        if family.name.startswith(("process_", "python_")):
            continue
        labels = dict.fromkeys(label for sample in family.samples for label in sample.labels)
        bounds = (sample.labels["le"] for sample in family.samples if "le" in sample.labels)
        families.append(
            _Family(
                family.name + ("_total" if family.type == "counter" else ""),
                family.type,
                tuple(label for label in labels if label != "le"),
                tuple(float(bound) for bound in bounds if bound != "+Inf"),
            )
        )
    return families


def test_every_metric_is_listed_with_its_labels() -> None:
    """The table has every metric with its type and labels, in order, and no other."""
    rows = re.findall(
        r"^\| `(\w+)` \| (counter|gauge|histogram) \| ([^|]*) \|", DOCUMENT, re.MULTILINE
    )

    assert [(name, kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows] == [
        (each.name, each.kind, each.labels) for each in _families()
    ]


def test_every_bucket_is_listed() -> None:
    """The table has the bounds of every histogram."""
    rows = re.findall(r"^\| `(\w+)` \| ([\d. ]+) \|$", DOCUMENT, re.MULTILINE)

    assert {name: tuple(map(float, bounds.split())) for name, bounds in rows} == {
        each.name: each.buckets for each in _families() if each.buckets
    }


def test_every_label_has_its_values_listed() -> None:
    """The table has every label, and the values of those whose list is the code's."""
    labels = {label for each in _families() for label in each.labels}
    rows = re.findall(r"^\| `(\w+)` \| [^|]* \|$", DOCUMENT, re.MULTILINE)

    assert labels - {"python", "version"} <= {*rows}
    assert _listed("method") == {*METHODS, "other"}
    assert _listed("state") == {*BREAKER_STATES}
    of_breakers = {f"{upstream_calls.KEY_SERVER}_alb", f"{upstream_calls.KEY_SERVER}_bearer"}
    upstreams = {
        upstream_calls.COGNITO,
        upstream_calls.COGNITO_DOMAIN,
        upstream_calls.DYNAMODB,
        upstream_calls.KEY_SERVER,
    }
    assert _listed("upstream") == upstreams | of_breakers
    assert _listed("outcome") == {*upstream_calls.OUTCOMES}
    assert _listed("kind") == {kind.name.lower() for kind in RateLimitedAction}


def test_alerts_use_existing_metrics() -> None:
    """Each expression names metrics and labels of the tables, or of the library."""
    table = DOCUMENT.partition("### Alerts")[2].partition("## Traces")[0]
    names = {each.name for each in _families()}
    named = {*re.findall(r"\b((?:http|upstream|limiter|event|batched)_\w+)\b", table)}

    assert named
    assert {re.sub(r"_bucket$", "", name) for name in named} <= names | {
        "upstream_call_duration_seconds"
    }
    assert {*re.findall(r"[{,](\w+)=", table)} <= {"status", "route", "state", "outcome", "limit"}
