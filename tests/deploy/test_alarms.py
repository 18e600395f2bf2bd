"""Alarms watch what the service writes, tell somebody, and are explained."""

import re
from typing import Final

from service.api.audit_log import AuditEvent
from service.api.http_errors import leaves
from tests.deploy.templates import FOLDER, SERVICE, load, of_type

TEMPLATE: Final = load(SERVICE)
ALARMS: Final = of_type(TEMPLATE, "AWS::CloudWatch::Alarm")
DOCS: Final = FOLDER.parent.parent / "docs"


def test_filters_match_events_and_codes_that_there_are() -> None:
    """What a metric filter looks for is something that the service logs."""
    log = (DOCS / "observability.md").read_text(encoding="utf-8")
    known = {
        "event": {*re.findall(r"^\| `([a-z_]+)` \|", log, re.MULTILINE), *AuditEvent},
        "code": {error.code for error in leaves()},
        "level": {"warning", "error"},
    }
    patterns = [
        properties["FilterPattern"]
        for properties in of_type(TEMPLATE, "AWS::Logs::MetricFilter").values()
    ]

    for pattern in patterns:
        terms = re.findall(r'\$\.(\w+) = "(\w+)"', pattern)
        assert terms, pattern
        for field, value in terms:
            assert value in known[field], pattern


def test_every_filter_has_its_alarm() -> None:
    """A metric of the log is watched by one alarm."""
    filters = of_type(TEMPLATE, "AWS::Logs::MetricFilter").values()
    written = sorted(
        transformation["MetricName"]
        for properties in filters
        for transformation in properties["MetricTransformations"]
    )
    watched = sorted(
        alarm["MetricName"]
        for alarm in ALARMS.values()
        if alarm.get("Namespace") == {"Ref": "AWS::StackName"}
    )

    assert written == watched


def test_every_alarm_tells_somebody() -> None:
    """Each alarm has a description and publishes to the topic."""
    for name, alarm in ALARMS.items():
        assert alarm["AlarmDescription"], name
        assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}], name


def test_every_alarm_is_explained() -> None:
    """The page on deploying says what to do for each alarm, and names no other."""
    page = (DOCS / "deployment.md").read_text(encoding="utf-8")

    assert re.findall(r"^\| `(\w+Alarm)` \|", page, re.MULTILINE) == [*ALARMS]


def test_deployment_is_rolled_back_by_alarms_that_there_are() -> None:
    """A deployment that fails requests or does not get ready is undone."""
    (service,) = of_type(TEMPLATE, "AWS::ECS::Service").values()
    deployment = service["DeploymentConfiguration"]

    assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert deployment["Alarms"]["Rollback"] is True
    assert {name["Ref"] for name in deployment["Alarms"]["AlarmNames"]} <= ALARMS.keys()
    assert deployment["BakeTimeInMinutes"] > 0
