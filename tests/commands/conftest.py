"""What the tests of the commands share: a local AWS, and the process as it was before."""

import uuid
from collections.abc import Iterator, Mapping

import pytest

from local_aws.outbox import Delivery
from local_aws.server import LocalAws, local_aws
from tests.support.process_state import restored


def _silently(_: Delivery) -> None:
    """Announce a code to nobody."""


@pytest.fixture(scope="session")
def own_local_aws() -> Iterator[LocalAws]:
    """Serve the local AWS."""
    with local_aws(announce=_silently) as local:
        yield local


@pytest.fixture(scope="module")
def name() -> str:
    """Return a name that no other module has: what a command creates is found again by the next."""
    return f"command-{uuid.uuid4().hex}"


@pytest.fixture(scope="module")
def placed(own_local_aws: LocalAws, name: str) -> Mapping[str, str]:
    """Return the environment of a command that works on the local AWS."""
    return {
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_COGNITO_ENDPOINT_URL": own_local_aws.endpoint_url,
        "AWS_DYNAMODB_ENDPOINT_URL": own_local_aws.endpoint_url,
        "AWS_DYNAMODB_USER_PROFILE_TABLE": name,
    }


@pytest.fixture
def process_restored() -> Iterator[None]:
    """Put back what a command changes of this process."""
    with restored():
        yield
