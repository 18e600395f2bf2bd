"""Creates the stacks of the templates in a local AWS, and reads what they made."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import botocore.session
from botocore.client import BaseClient

from tests.deploy.templates import DATA, EVENTS, SERVICE

REGION: Final = "us-east-1"
HOST: Final = "api.example.com"
IMAGE: Final = "123456789012.dkr.ecr.us-east-1.amazonaws.com/user-profile-service:1"

Parameters: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack that was created."""

    name: str
    outputs: Mapping[str, str]
    resources: Mapping[str, str]
    """Physical ids by logical id."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """A local AWS in which stacks are created."""

    url: str

    def client(self, service: str) -> Any:  # noqa: ANN401 -- botocore makes its methods at run time
        """Open a client with the rights of a person."""
        client: BaseClient = botocore.session.get_session().create_client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 -- of a local AWS
        )
        return client

    def create(self, template: Path, parameters: Parameters) -> Stack:
        """Create a stack of any name."""
        cloudformation = self.client("cloudformation")
        name = f"{template.stem}-{uuid.uuid4().hex[:8]}"
        cloudformation.create_stack(
            StackName=name,
            TemplateBody=template.read_text(encoding="utf-8"),
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
            Capabilities=["CAPABILITY_IAM"],
        )
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        return Stack(
            name=name,
            outputs={output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]},
            resources={
                resource["LogicalResourceId"]: resource.get("PhysicalResourceId", "")
                for resource in resources
                if "LogicalResourceId"
                in resource  # moto lists what a condition leaves out, nameless
            },
        )

    def data(self, parameters: Parameters | None = None) -> Stack:
        """Create the table and the pool."""
        table = {"TableName": f"profiles-{uuid.uuid4().hex[:8]}"}
        return self.create(DATA, {**table, **(parameters or {})})

    def service(self, data: Stack, parameters: Parameters | None = None) -> Stack:
        """Create the service on them."""
        others = {"NextCommand", "TableStreamArn"}
        handed_on = {name: value for name, value in data.outputs.items() if name not in others}
        fixed = {"Image": IMAGE, "DomainName": HOST, "CertificateArn": self.certificate()}
        return self.create(SERVICE, {**fixed, **handed_on, **(parameters or {})})

    def events(self, data: Stack, parameters: Parameters | None = None) -> Stack:
        """Create the pipe on the stream of the table."""
        stream = {"TableStreamArn": data.outputs["TableStreamArn"]}
        return self.create(EVENTS, {**stream, **(parameters or {})})

    def certificate(self) -> str:
        """Return the ARN of a certificate, which a listener must have."""
        arn: str = self.client("acm").request_certificate(DomainName=HOST)["CertificateArn"]
        return arn

    def task(self, stack: Stack) -> Mapping[str, Any]:
        """Return the container of the service's task definition."""
        arn = stack.resources["TaskDefinition"]
        definition = self.client("ecs").describe_task_definition(taskDefinition=arn)
        (container,) = definition["taskDefinition"]["containerDefinitions"]
        lists = ("environment", "secrets")  # moto leaves None where AWS::NoValue stands in them
        return {
            **container,
            **{name: [entry for entry in container[name] if entry] for name in lists},
        }

    def environment(self, stack: Stack) -> Mapping[str, str]:
        """Return the environment of the service's container, secrets aside."""
        return {entry["name"]: entry["value"] for entry in self.task(stack)["environment"]}
