"""Both stacks are created in every shape that the parameters allow, and make what `setup` makes."""

import json
import uuid
from collections.abc import Mapping
from typing import Any, Final

import pytest

from service.aws.clients import open_clients
from service.commands import provisioning
from service.config.loader import Settings
from tests.support.configs import CREDENTIALS, configured
from tests_slow.deploy.stacks import HOST, REGION, Cloud, Parameters

BROWSERS: Final[Parameters] = {"BrowserDomainPrefix": "profiles", "DomainName": HOST}
SES: Final[Parameters] = {
    "SesIdentityArn": "arn:aws:ses:us-east-1:123456789012:identity/example.com",
    "SesFrom": "Example <no-reply@example.com>",
}
CLIENT_SECRET_ARN: Final = "arn:aws:secretsmanager:us-east-1:123456789012:secret:client-abcdef"  # noqa: S105 -- its name
MOST: Final[Parameters] = {
    "CertificateArn": "",
    "CpuArchitecture": "ARM64",
    "TaskSize": "large",
    "MinTasks": "3",
    "MaxTasks": "10",
    "SpotTasks": "true",
    "NatGateways": "2",
    "Firewall": "true",
    "AlarmEmail": "alarms@example.com",
    "AccessLogBucket": "access-logs",
    "ContainerInsights": "enhanced",
    "ClientSecretArn": CLIENT_SECRET_ARN,
    "BearerClientIds": "1example23456789abcdefghij 2example3456789abcdefghijk",
    "CorsAllowedHeaders": "x-tenant",
    "RefreshCookie": "browsers",
    "CorsAllowedOrigins": "https://app.example.com",
}


@pytest.fixture(name="network")
def _network(cloud: Cloud) -> Parameters:
    """Make a network, and return the parameters that name it."""
    ec2 = cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.7.{number}.0/24", AvailabilityZone=f"{REGION}{zone}"
        )["Subnet"]["SubnetId"]
        for number, zone in enumerate("abab")
    ]
    return {
        "VpcId": vpc,
        "PublicSubnetIds": ",".join(subnets[:2]),
        "PrivateSubnetIds": ",".join(subnets[2:]),
        "TrustedProxies": "10.7.0.0/24 10.7.1.0/24",
    }


@pytest.fixture(name="zone")
def _zone(cloud: Cloud) -> str:
    """Make a hosted zone, and return its id."""
    made = cloud.client("route53").create_hosted_zone(
        Name="example.com", CallerReference=uuid.uuid4().hex
    )
    zone_id: str = made["HostedZone"]["Id"]
    return zone_id.rpartition("/")[2]


def test_api_clients_alone_need_three_parameters(cloud: Cloud) -> None:
    """With defaults the service takes bearer tokens alone, in a network of its own."""
    data = cloud.data()
    stack = cloud.service(data)
    environment = cloud.environment(stack)

    assert environment["IDENTITY_SOURCES"] == "bearer"
    assert "IDENTITY_ALB_ARN" not in environment
    assert environment["AWS_COGNITO_USER_POOL_ID"] == data.resources["UserPool"]
    assert environment["AWS_COGNITO_CLIENT_ID"] == data.resources["ApiClient"]
    assert environment["AWS_DYNAMODB_USER_PROFILE_TABLE"] == data.resources["Table"]
    assert environment["SERVER_TRUSTED_PROXIES"] == "10.42.0.0/16"
    assert environment["SERVER_DRAIN_S"] == "5"
    assert {"BrowserClient", "BrowserDomain"} & data.resources.keys() == set()
    assert {"SignInRule", "SessionRule"} & stack.resources.keys() == set()
    assert [secret["name"] for secret in cloud.task(stack)["secrets"]] == ["LOG_HASH_KEY"]


def test_browsers_are_signed_in_by_the_load_balancer(cloud: Cloud) -> None:
    """With a domain of the pool the service believes this load balancer, for its client."""
    data = cloud.data(BROWSERS)
    stack = cloud.service(data)
    environment = cloud.environment(stack)
    elbv2 = cloud.client("elbv2")
    rules = elbv2.describe_rules(ListenerArn=stack.resources["Listener"])["Rules"]
    priorities = sorted(int(rule["Priority"]) for rule in rules if rule["Priority"] != "default")

    assert environment["IDENTITY_SOURCES"] == "alb bearer"
    assert environment["IDENTITY_ALB_ARN"] == stack.outputs["LoadBalancerArn"]
    assert environment["IDENTITY_ALB_CLIENT_ID"] == data.outputs["BrowserClientId"]
    assert priorities == [1, 2, 3, 10, 30, 31, 40]
    assert stack.outputs["SignInUrl"] == f"https://{HOST}/login"


@pytest.mark.parametrize(
    "parameters", [{"TokenDomainPrefix": "tokens"}, BROWSERS], ids=["own", "shared"]
)
def test_other_service_is_listed(cloud: Cloud, parameters: Parameters) -> None:
    """The machine client may call the service; its domain is that of browsers, or its own."""
    data = cloud.data({"MachineClient": "true", **parameters})
    stack = cloud.service(data)
    described = cloud.client("cognito-idp").describe_resource_server(
        UserPoolId=data.resources["UserPool"], Identifier="profiles"
    )

    assert cloud.environment(stack)["SERVICES_CLIENTS"] == data.resources["ServiceClient"]
    assert data.resources["BrowserDomain"] in ("tokens", "profiles")
    assert len(described["ResourceServer"]["Scopes"]) == 3
    assert f" ServiceClientIds={data.resources['ServiceClient']} " in data.outputs["NextCommand"]


def test_everything_is_chosen(cloud: Cloud, zone: str) -> None:
    """Spot, ARM64, WAF, SES, two NAT gateways, access logs, a certificate and a record go together."""
    data = cloud.data({**BROWSERS, **SES})
    stack = cloud.service(data, {**MOST, "HostedZoneId": zone})
    environment = cloud.environment(stack)
    records = cloud.client("route53").list_resource_record_sets(HostedZoneId=zone)

    assert environment["SERVER_DRAIN_S"] == "35"
    assert environment["LIMITS_TASKS"] == "10"
    assert environment["CORS_ALLOWED_ORIGINS"] == "https://app.example.com"
    assert {"name": "AWS_COGNITO_CLIENT_SECRET", "valueFrom": CLIENT_SECRET_ARN} in cloud.task(
        stack
    )["secrets"]
    assert HOST in {record["Name"].rstrip(".") for record in records["ResourceRecordSets"]}
    assert {"WebAcl", "Certificate", "Nat2"} <= stack.resources.keys()


def test_network_that_exists_is_used(cloud: Cloud, network: Parameters) -> None:
    """In a given network the stack makes neither subnets nor gateways."""
    stack = cloud.service(cloud.data(), network)
    elbv2 = cloud.client("elbv2")
    (balancer,) = elbv2.describe_load_balancers(LoadBalancerArns=[stack.resources["LoadBalancer"]])[
        "LoadBalancers"
    ]

    assert cloud.environment(stack)["SERVER_TRUSTED_PROXIES"] == network["TrustedProxies"]
    assert balancer["VpcId"] == network["VpcId"]
    assert {zone["SubnetId"] for zone in balancer["AvailabilityZones"]} == {
        *network["PublicSubnetIds"].split(",")
    }
    assert {"Vpc", "Nat1", "PublicSubnet1"} & stack.resources.keys() == set()


def test_events_read_the_stream_of_the_table(cloud: Cloud) -> None:
    """With TableStream=true the table has a stream, and the events stack a function for its records."""
    data = cloud.data({"TableStream": "true"})
    stack = cloud.events(data)
    table = cloud.client("dynamodb").describe_table(TableName=data.resources["Table"])["Table"]
    function = cloud.client("lambda").get_function(FunctionName=stack.resources["Mapping"])

    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert data.outputs["TableStreamArn"] == table["LatestStreamArn"]
    assert function["Configuration"]["Environment"]["Variables"].keys() == {"PROFILE_FIELDS"}
    assert {"Pipe", "DeadLetters", "EventsLostAlarm"} <= stack.resources.keys()
    assert "TableStreamArn" not in cloud.data().outputs


def test_commands_of_the_outputs_are_filled_in(cloud: Cloud) -> None:
    """The next command names what the stack made, and no reference is left in it."""
    data = cloud.data(BROWSERS)
    stack = cloud.service(data)

    assert f"UserPoolId={data.resources['UserPool']}" in data.outputs["NextCommand"]
    assert stack.outputs["SmokeCommand"] == f"python -m service smoke https://{HOST}"
    assert stack.outputs["DoctorCommand"].endswith("python -m service doctor")
    assert stack.resources["LoadBalancer"] in stack.outputs["DoctorCommand"]
    commands = [*data.outputs.values(), *stack.outputs.values()]
    assert [command for command in commands if "${" in command or "  " in command] == []


def test_dashboard_is_json(cloud: Cloud) -> None:
    """The body of the dashboard is JSON once the references are filled in."""
    stack = cloud.service(cloud.data())
    dashboard = cloud.client("cloudwatch").get_dashboard(DashboardName=stack.resources["Dashboard"])

    assert len(json.loads(dashboard["DashboardBody"])["widgets"]) == 5


def _settings(described: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a pool or a client is like, without what is each one's own."""
    own = {
        "Arn",
        "ClientId",
        "ClientName",
        "CreationDate",
        "DeletionProtection",
        "EmailConfiguration",
        "Id",
        "LastModifiedDate",
        "Name",
        "UserPoolId",
        "UserPoolTags",
        "UserPoolTier",
    }
    return {name: value for name, value in described.items() if name not in own}


async def test_pool_is_as_setup_makes_it(cloud: Cloud) -> None:
    """What `setup --user-pool` decides about a pool and its client, the stack decides likewise."""
    data = cloud.data()
    endpoint = {"endpoint-url": cloud.url}
    there: Settings = {"aws.cognito": endpoint, "aws.dynamodb": endpoint}
    async with open_clients(configured(there), CREDENTIALS) as clients:
        name = f"setup-{uuid.uuid4().hex}"
        pool_id = await provisioning.create_user_pool(clients.cognito, name)
        client_id = await provisioning.create_client(clients.cognito, pool_id, name)
    cognito = cloud.client("cognito-idp")

    def described(pool: str, client: str) -> list[dict[str, Any]]:
        mfa = cognito.get_user_pool_mfa_config(UserPoolId=pool)
        return [
            _settings(cognito.describe_user_pool(UserPoolId=pool)["UserPool"]),
            _settings(
                cognito.describe_user_pool_client(UserPoolId=pool, ClientId=client)[
                    "UserPoolClient"
                ]
            ),
            {name: mfa[name] for name in ("MfaConfiguration", "SoftwareTokenMfaConfiguration")},
        ]

    of_setup = described(pool_id, client_id)
    of_stack = described(data.outputs["UserPoolId"], data.outputs["ClientId"])
    # What `setup` may leave as Cognito has it by default.
    verified = of_stack[0].pop("UserAttributeUpdateSettings")

    assert verified == {"AttributesRequireVerificationBeforeUpdate": ["email"]}
    assert of_setup[0].pop("UserAttributeUpdateSettings", verified) == verified
    # moto's CloudFormation leaves out what AWS describes as empty.
    assert [pool.pop("LambdaConfig", {}) for pool in (of_stack[0], of_setup[0])] == [{}, {}]
    assert of_stack == of_setup
