"""A local AWS in which the templates can be created."""

from collections.abc import Iterator

import pytest
from moto.elbv2.models import FakeTargetGroup

from service.local.outbox import Delivery
from service.local.server import local_aws
from tests_slow.deploy.stacks import Cloud
from tests_slow.deploy.stubs import MODELS, target_group_attribute


def _silently(_: Delivery) -> None:
    """Announce a code to nobody."""


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    """Serve a local AWS with the resource types that moto lacks."""
    assert MODELS, "moto looks for them before the first stack"
    with pytest.MonkeyPatch.context() as patch, local_aws(announce=_silently) as local:
        patch.setattr(FakeTargetGroup, "has_cfn_attr", classmethod(lambda _, __: True))
        patch.setattr(FakeTargetGroup, "get_cfn_attribute", target_group_attribute, raising=False)
        yield Cloud(local.endpoint_url)
