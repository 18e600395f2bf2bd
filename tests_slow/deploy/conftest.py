"""A local AWS in which the templates can be created."""

from collections.abc import Iterator

import pytest
from moto.cloudformation.models import ChangeSet, Stack
from moto.cloudformation.responses import CloudFormationResponse
from moto.elbv2.models import FakeTargetGroup

from local_aws.outbox import Delivery
from local_aws.server import local_aws
from tests_slow.deploy.stacks import Cloud
from tests_slow.deploy.stubs import (
    MODELS,
    apply_change_set,
    has_parameters,
    refuse_no_update,
    target_group_attribute,
)


def _silently(_: Delivery) -> None:
    """Announce a code to nobody."""


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    """Serve a local AWS with the resource types that moto lacks."""
    assert MODELS, "moto looks for them before the first stack"
    with pytest.MonkeyPatch.context() as patch, local_aws(announce=_silently) as local:
        patch.setattr(FakeTargetGroup, "has_cfn_attr", classmethod(lambda _, __: True))
        patch.setattr(FakeTargetGroup, "get_cfn_attribute", target_group_attribute, raising=False)
        patch.setattr(ChangeSet, "apply", apply_change_set)
        patch.setattr(Stack, "has_parameters", has_parameters)
        patch.setattr(CloudFormationResponse, "_validate_different_update", refuse_no_update)
        yield Cloud(local.endpoint_url)
