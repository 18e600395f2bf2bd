"""The task definition agrees with the service's settings, its policy and its image."""

import json
import re
from typing import Any, Final

import pytest

from service.api.routes import all_routes
from service.config.loader import load as load_settings
from service.config.settings import SECTIONS, definitions, environment_name
from tests.deploy.templates import FOLDER, SERVICE, alternatives, entries, load, of_type
from tests.support.configs import configured

ROOT: Final = FOLDER.parent.parent
TEMPLATE: Final = load(SERVICE)


@pytest.fixture
def task() -> dict[str, Any]:
    """Return the task definition."""
    (definition,) = of_type(TEMPLATE, "AWS::ECS::TaskDefinition").values()
    found: dict[str, Any] = definition
    return found


@pytest.fixture
def container(task: dict[str, Any]) -> dict[str, Any]:
    """Return its one container."""
    (definition,) = task["ContainerDefinitions"]
    found: dict[str, Any] = definition
    return found


@pytest.fixture
def environment(container: dict[str, Any]) -> dict[str, list[Any]]:
    """Return every value that a variable may have."""
    return {
        entry["Name"]: [*alternatives(entry["Value"])]
        for entry in entries(container["Environment"])
    }


def settings() -> set[str]:
    """Return the variables of the settings that there are."""
    return {
        environment_name(section.section, key)
        for section in SECTIONS.values()
        for key in definitions(section)
    }


def attributes(name: str, key: str) -> dict[str, Any]:
    """Return the attributes of a load balancer or a target group."""
    listed = TEMPLATE["Resources"][name]["Properties"][key]
    return {entry["Key"]: entry["Value"] for entry in entries(listed)}


def test_every_variable_is_a_setting(
    environment: dict[str, list[Any]], container: dict[str, Any]
) -> None:
    """No name in Environment or Secrets is unknown to the service."""
    secrets = {entry["Name"] for entry in entries(container["Secrets"])}

    assert environment.keys() | secrets <= settings()
    assert secrets == {"LOG_HASH_KEY", "AWS_COGNITO_CLIENT_SECRET"}


def test_unsigned_header_is_never_a_source(environment: dict[str, list[Any]]) -> None:
    """Browsers are known by signed data, programs by tokens, nobody by a plain header."""
    assert environment["IDENTITY_SOURCES"] == ["alb bearer", "bearer"]


def test_service_believes_the_peers_of_its_network(environment: dict[str, list[Any]]) -> None:
    """X-Forwarded-For is taken from the network of the load balancer alone."""
    assert environment["SERVER_TRUSTED_PROXIES"] == [
        {"Fn::Sub": "${VpcPrefix}.0.0/16"},
        {"Ref": "TrustedProxies"},
    ]


def test_tasks_share_the_quotas_by_their_highest_number(
    environment: dict[str, list[Any]],
) -> None:
    """The number that scaling may reach is the number that the limits are divided by."""
    (scaling,) = of_type(TEMPLATE, "AWS::ApplicationAutoScaling::ScalableTarget").values()

    assert environment["LIMITS_TASKS"] == [scaling["MaxCapacity"]] == [{"Ref": "MaxTasks"}]


def test_task_role_is_the_policy() -> None:
    """The role has the rights of deploy/iam-policy.json and no others."""
    policy = (FOLDER.parent / "iam-policy.json").read_text(encoding="utf-8")
    role = TEMPLATE["Resources"]["TaskRole"]["Properties"]
    (inline,) = role["Policies"]
    granted = json.dumps(inline["PolicyDocument"])
    values = {
        "${AWS::Partition}": "aws",
        "${AWS::Region}": "ap-south-1",
        "${AWS::AccountId}": "ACCOUNT_ID",
        "${TableName}": TEMPLATE["Parameters"]["TableName"]["Default"],
    }
    for name, value in values.items():
        granted = granted.replace(name, value)
    document = json.loads(granted)
    for statement in document["Statement"]:
        statement["Resource"] = statement["Resource"]["Fn::Sub"]

    assert document == json.loads(policy)
    assert "ManagedPolicyArns" not in role


def test_container_is_confined(container: dict[str, Any]) -> None:
    """The root file system is read-only, the user is the image's, no capability is left."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")

    assert container["ReadonlyRootFilesystem"] is True
    assert container["User"] == re.findall(r"^USER (\S+)$", dockerfile, re.MULTILINE)[-1]
    assert container["LinuxParameters"] == {"Capabilities": {"Drop": ["ALL"]}}


def test_health_check_is_that_of_the_image(container: dict[str, Any]) -> None:
    """ECS does not read the image's HEALTHCHECK, so the task definition repeats it."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
    found = re.findall(r"^HEALTHCHECK (.*?) CMD (\[.*\])$", dockerfile, re.MULTILINE)[-1]
    options = dict(re.findall(r"--([a-z-]+)=(\d+)s?\b", found[0]))
    check = container["HealthCheck"]

    assert check["Command"] == ["CMD", *json.loads(found[1])]
    assert {
        "interval": check["Interval"],
        "timeout": check["Timeout"],
        "start-period": check["StartPeriod"],
        "retries": check["Retries"],
    } == {name: int(number) for name, number in options.items()}


def test_ports_are_the_default(container: dict[str, Any]) -> None:
    """Container, target group and security groups name the port on which the service listens."""
    port = configured().server.port
    groups = [
        of_type(TEMPLATE, f"AWS::EC2::SecurityGroup{kind}").values()
        for kind in ("Ingress", "Egress")
    ]

    assert container["PortMappings"] == [{"ContainerPort": port, "Protocol": "tcp"}]
    assert TEMPLATE["Resources"]["Targets"]["Properties"]["Port"] == port
    for (rule,) in groups:
        assert (rule["FromPort"], rule["ToPort"]) == (port, port)


def test_tasks_have_time_to_finish(
    container: dict[str, Any], environment: dict[str, list[Any]]
) -> None:
    """ECS kills a task later than it has drained and answered; a request outlasts no deregistration."""
    deadline_s = configured().server.request_deadline_s
    delay = attributes("Targets", "TargetGroupAttributes")["deregistration_delay.timeout_seconds"]

    for drain_s in environment["SERVER_DRAIN_S"]:
        assert container["StopTimeout"] > float(drain_s) + deadline_s
    assert float(delay) > deadline_s


def test_interrupted_task_is_found_out_before_it_stops(environment: dict[str, list[Any]]) -> None:
    """A task on Spot drains longer than the target group needs to find it unhealthy."""
    targets = TEMPLATE["Resources"]["Targets"]["Properties"]
    on_spot, _ = environment["SERVER_DRAIN_S"]

    found_out_s = targets["HealthCheckIntervalSeconds"] * targets["UnhealthyThresholdCount"]
    assert float(on_spot) > found_out_s


def test_target_group_asks_whether_the_task_serves() -> None:
    """The health check does not follow DynamoDB, and its path is a route."""
    path = TEMPLATE["Resources"]["Targets"]["Properties"]["HealthCheckPath"]

    assert path == "/health/serving"
    assert path in {route.path for route, _ in all_routes()}


def test_service_keeps_connections_longer_than_the_load_balancer(
    environment: dict[str, list[Any]],
) -> None:
    """An idle connection is closed by the load balancer first, whose time the service is given."""
    idle = attributes("LoadBalancer", "LoadBalancerAttributes")["idle_timeout.timeout_seconds"]

    assert environment["SERVER_BALANCER_IDLE_S"] == [idle]
    assert configured().server.keep_alive_s > float(idle)


@pytest.mark.parametrize("browsers", [True, False], ids=["browsers", "api"])
def test_environment_is_a_configuration(
    environment: dict[str, list[Any]], *, browsers: bool
) -> None:
    """The service starts with the values of the template, references filled in."""
    alb = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/x/50dc6c495c0c9188"
    references = {
        "AWS::Region": "us-east-1",
        "UserPoolId": "us-east-1_Example",
        "LoadBalancer": alb,
        "BearerClientIds": "any another",
        "ServiceClientIds": "billing search",
        "CorsAllowedHeaders": "x-tenant",
        "CorsAllowedOrigins": "https://app.example.com https://www.example.com",
        "LogIdentities": "hashed",
        "RefreshCookie": "browsers",
    }
    first = {name: values[0] for name, values in environment.items() if name != "LIMITS_TASKS"}
    if not browsers:
        first["IDENTITY_SOURCES"] = environment["IDENTITY_SOURCES"][1]
        del first["IDENTITY_ALB_ARN"], first["IDENTITY_ALB_CLIENT_ID"]
    given = {
        name: references.get(value["Ref"], "any")
        if isinstance(value, dict) and "Ref" in value
        else str(value)
        for name, value in first.items()
    }
    given["SERVER_TRUSTED_PROXIES"] = "10.42.0.0/16"

    config = load_settings(None, {**given, "LOG_HASH_KEY": "k" * 48})

    assert config.identity.sources == (("alb", "bearer") if browsers else ("bearer",))
    assert config.identity.alb_arn == ((alb,) if browsers else ())
    assert config.identity.bearer_client_ids == ("any", "another")
    assert config.services.clients == ("billing", "search")
    assert config.auth.refresh_cookie == "browsers"
    assert config.cors.allowed_headers == ("x-tenant",)
    assert config.cors.allowed_origins == ("https://app.example.com", "https://www.example.com")
