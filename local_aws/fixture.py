"""A user pool of one test, at a local AWS in this process."""

import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from local_aws.application import REQUEST_LOCK
from local_aws.cognito.directory import remove_pool
from local_aws.outbox import Delivery
from local_aws.server import LocalAws, local_aws

REGION = "us-east-1"
KEY = "local"  # the access key and its secret, neither of which is checked
FLOWS = (
    *("ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_USER_AUTH"),
    *("ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"),
)


@dataclass(frozen=True, slots=True)
class LocalCognito:
    """A user pool, and an app client without a secret that allows every flow but custom challenges."""

    endpoint_url: str
    """For every service of AWS."""
    region: str
    user_pool_id: str
    client_id: str
    deliveries: list[Delivery]
    """What was sent to users of any pool, the newest last."""

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables with which AWS clients use the local AWS."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": KEY,
        }

    def client(self, service: str = "cognito-idp") -> Any:  # noqa: ANN401 -- boto3 has no types
        """Return a boto3 client of the local AWS, which does not repeat calls."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint_url,
            region_name=self.region,
            aws_access_key_id=KEY,
            aws_secret_access_key=KEY,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def code(self, username: str) -> str:
        """Return the code that was sent to a user of this pool last; raises LookupError for none."""
        for delivery in reversed(self.deliveries):
            if (delivery.user_pool_id, delivery.username) == (self.user_pool_id, username):
                return delivery.code
        raise LookupError(f"No code was sent to {username}")


@contextmanager
def serving_pools() -> Iterator[Callable[[], AbstractContextManager[LocalCognito]]]:
    """Serve the local AWS until the block ends; yields what creates a user pool for a block."""
    deliveries: list[Delivery] = []
    with local_aws(announce=deliveries.append) as aws:
        yield functools.partial(_pool, aws, deliveries)


@contextmanager
def _pool(aws: LocalAws, deliveries: list[Delivery]) -> Iterator[LocalCognito]:
    cognito = LocalCognito(aws.endpoint_url, REGION, "", "", deliveries).client()
    pool_id = cognito.create_user_pool(PoolName="tests", AutoVerifiedAttributes=["email"])[
        "UserPool"
    ]["Id"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool_id, ClientName="tests", ExplicitAuthFlows=[*FLOWS]
    )
    client_id = client["UserPoolClient"]["ClientId"]
    try:
        yield LocalCognito(aws.endpoint_url, REGION, pool_id, client_id, deliveries)
    finally:
        with REQUEST_LOCK:
            remove_pool(pool_id)
        cognito.close()
