"""
The resource types that the templates use and moto 5.2.5 does not create.

Cognito's are real: the pool and the clients are those that the local Cognito serves, and certificates are
moto's. The others leave no trace but a name, since no test asks for more. moto creates load balancers,
rules, ECS services, roles, log groups and dashboards itself. It ignores TimeToLiveSpecification and
PointInTimeRecoverySpecification of a table, which the fast tests compare as text; and it knows no action
jwt-validation, so ValidateBearerAtBalancer is checked by cfn-lint alone.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from moto.acm.models import acm_backends
from moto.cloudformation.models import ChangeSet
from moto.cloudformation.models import Stack as MotoStack
from moto.cloudformation.parsing import OutputMap
from moto.cognitoidp.models import cognitoidp_backends
from moto.core.common_models import CloudFormationModel
from moto.elbv2.models import FakeTargetGroup

Properties: TypeAlias = Mapping[str, Any]
# From logical id, properties, account and region to physical id and attributes.
Create: TypeAlias = Callable[[str, Properties, str, str], tuple[str, Mapping[str, str]]]

TRACELESS: Final = (
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::CloudWatch::Alarm",
    "AWS::Cognito::ManagedLoginBranding",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::Logs::MetricFilter",
    "AWS::Pipes::Pipe",
    "AWS::WAFv2::WebACLAssociation",
)


class Made:
    """A resource that a stub made, with all that moto asks of a model."""

    kind: str
    create: Create

    def __init__(self, physical_id: str, attributes: Mapping[str, str]) -> None:
        self.physical_resource_id = physical_id
        self.attributes = attributes

    @staticmethod
    def cloudformation_name_type() -> str:
        """Return the property that names a resource: none does."""
        return ""

    @classmethod
    def cloudformation_type(cls) -> str:
        """Return the type of the resource."""
        return cls.kind

    @classmethod
    def has_cfn_attr(cls, _: str) -> bool:
        """Return that an attribute may be asked for; one that does not exist is a KeyError."""
        return True

    def get_cfn_attribute(self, name: str) -> str:
        """Return an attribute."""
        return self.attributes[name]

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: Mapping[str, Any],
        account_id: str,
        region_name: str,
        **_: object,
    ) -> "Made":
        """Make a resource."""
        properties = cloudformation_json.get("Properties", {})
        return cls(*cls.create(resource_name, properties, account_id, region_name))

    @classmethod
    def update_from_cloudformation_json(cls, original_resource: "Made", **_: object) -> "Made":
        """Return the resource as it was: a stub has nothing that could change."""
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(cls, *_: object) -> None:
        """Leave what there is: every test has stacks of its own."""

    def is_created(self) -> bool:
        """Return that it is there."""
        return True


def _stub(kind: str, create: Create) -> type:
    """Return a model of a type; moto finds direct subclasses of CloudFormationModel only."""
    members = {"kind": kind, "create": staticmethod(create)}
    return type(kind.replace("::", ""), (Made, CloudFormationModel), members)


def _traceless(name: str, *_: object) -> tuple[str, Mapping[str, str]]:
    return name, {}


def _secret(name: str, _: Properties, account: str, region: str) -> tuple[str, Mapping[str, str]]:
    return f"arn:aws:secretsmanager:{region}:{account}:secret:{name}-abcdef", {}


def _certificate(
    _: str, properties: Properties, account: str, region: str
) -> tuple[str, Mapping[str, str]]:
    arn = acm_backends[account][region].request_certificate(
        domain_name=properties["DomainName"],
        idempotency_token=uuid.uuid4().hex,
        subject_alt_names=[],
        tags=[],
    )
    return arn, {}


def _web_acl(name: str, _: Properties, account: str, region: str) -> tuple[str, Mapping[str, str]]:
    return name, {"Arn": f"arn:aws:wafv2:{region}:{account}:regional/webacl/{name}/1"}


def _domain(_: str, properties: Properties, __: str, ___: str) -> tuple[str, Mapping[str, str]]:
    return properties["Domain"], {}


def _pool(
    _: str, properties: Properties, account: str, region: str
) -> tuple[str, Mapping[str, str]]:
    """Make a pool as CreateUserPool and SetUserPoolMfaConfig do, whose names CloudFormation has."""
    settings = dict(properties)
    name, mode = settings.pop("UserPoolName"), settings.pop("MfaConfiguration")
    factors = settings.pop("EnabledMfas")
    backend = cognitoidp_backends[account][region]
    pool = backend.create_user_pool(name, settings)
    totp = {"Enabled": "SOFTWARE_TOKEN_MFA" in factors}
    no_sms: Any = None  # what moto keeps where SetUserPoolMfaConfig says nothing of it
    backend.set_user_pool_mfa_config(pool.id, no_sms, totp, mode)
    return pool.id, {"Arn": pool.arn}


def _resource_server(
    _: str, properties: Properties, account: str, region: str
) -> tuple[str, Mapping[str, str]]:
    identifier: str = properties["Identifier"]
    cognitoidp_backends[account][region].create_resource_server(
        properties["UserPoolId"], identifier, properties["Name"], properties["Scopes"]
    )
    return identifier, {}


def _client(
    _: str, properties: Properties, account: str, region: str
) -> tuple[str, Mapping[str, str]]:
    settings = dict(properties)
    pool, secret = settings.pop("UserPoolId"), settings.pop("GenerateSecret")
    client = cognitoidp_backends[account][region].create_user_pool_client(pool, secret, settings)
    return client.id, {}


_KINDS: Final[Mapping[str, Create]] = {
    **dict.fromkeys(TRACELESS, _traceless),
    "AWS::CertificateManager::Certificate": _certificate,
    "AWS::Cognito::UserPool": _pool,
    "AWS::Cognito::UserPoolClient": _client,
    "AWS::Cognito::UserPoolDomain": _domain,
    "AWS::Cognito::UserPoolResourceServer": _resource_server,
    "AWS::SecretsManager::Secret": _secret,
    "AWS::WAFv2::WebACL": _web_acl,
}
# moto looks for models once, before the first stack.
MODELS: Final = [_stub(kind, create) for kind, create in _KINDS.items()]


def target_group_attribute(group: FakeTargetGroup, name: str) -> str:
    """Return an attribute of a target group, of which moto has none for CloudFormation."""
    arn: str = group.arn
    return {"TargetGroupFullName": arn.rpartition(":")[2], "TargetGroupArn": arn}[name]


def apply_change_set(change_set: ChangeSet) -> None:
    """Execute a change set; moto's own leaves a new stack without template and outputs."""
    stack = change_set.stack
    stack.template = change_set.template
    stack.parameters = change_set.parameters
    stack.template_dict = change_set.template_dict
    stack.resource_map.update(change_set.template_dict, change_set.parameters)
    stack.output_map = OutputMap(stack.resource_map, change_set.template_dict, stack.stack_id)


def has_parameters(stack: MotoStack, parameters: Mapping[str, Any]) -> bool:
    """Tell whether a change set has the parameters that a stack has; moto compares without defaults."""
    resolved: Mapping[str, Any] = stack.stack_parameters
    return {**resolved, **parameters} == resolved


def refuse_no_update(*_: object) -> None:
    """Refuse nothing: AWS creates a change set without changes, whose status is FAILED."""
