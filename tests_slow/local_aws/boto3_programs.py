"""What programs against AWS share: clients that only the environment sends to the local AWS."""

import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.cognito import totp
from local_aws.fixture import FLOWS
from local_aws.outbox import Delivery
from local_aws.server import local_aws
from tests.local_aws.support import Clock
from tests.profile_store.table import NOON

PASSWORD = "YourPass123!"  # noqa: S105 -- of the tests
NEW_PASSWORD = "OtherPass123!"  # noqa: S105 -- likewise
SES = {
    "EmailSendingAccount": "DEVELOPER",
    "SourceArn": "arn:aws:ses:us-east-1:123456789012:identity/example.com",
}
SMS = {"SnsCallerArn": "arn:aws:iam::123456789012:role/sender", "ExternalId": "x"}


def _ignore(_: Delivery) -> None:
    """Print no code."""


@dataclass(frozen=True, slots=True)
class Program:
    """Clients of Cognito and DynamoDB, as a program creates them."""

    url: str
    clock: Clock
    cognito: Any
    dynamodb: Any

    def code(self, username: str) -> str:
        """Return the code that the user reads in a message."""
        path = f"/local-aws/codes/{urllib.parse.quote(username)}"
        with urllib.request.urlopen(self.url + path) as answer:  # noqa: S310 -- ours
            return str(answer.read().decode().strip())

    def totp(self, secret: str) -> str:
        """Return the next code of an authenticator app."""
        self.clock.advance(totp.STEP_S)
        return totp.code_at(secret, int(self.clock.seconds) // totp.STEP_S)

    def app(self, pool: Mapping[str, Any] | None = None, **client: Any) -> tuple[str, str]:  # noqa: ANN401 -- botocore's
        """Create a pool and a client; return their ids."""
        created = {"PoolName": "p", "AutoVerifiedAttributes": ["email"], **(pool or {})}
        pool_id = self.cognito.create_user_pool(**created)["UserPool"]["Id"]
        settings = {"ExplicitAuthFlows": FLOWS, **client}
        made = self.cognito.create_user_pool_client(UserPoolId=pool_id, ClientName="c", **settings)
        return pool_id, made["UserPoolClient"]["ClientId"]

    def user(self, client_id: str, **attributes: str) -> str:
        """Sign a user up and confirm the sign-up; return the name."""
        username = f"user-{uuid.uuid4().hex}"
        given = {"email": f"{username}@example.com", **attributes}
        self.cognito.sign_up(
            ClientId=client_id,
            Username=username,
            Password=PASSWORD,
            UserAttributes=[{"Name": name, "Value": value} for name, value in given.items()],
        )
        self.cognito.confirm_sign_up(
            ClientId=client_id, Username=username, ConfirmationCode=self.code(username)
        )
        return username

    def log_in(self, client_id: str, username: str, password: str = PASSWORD) -> Any:  # noqa: ANN401 -- JSON
        """Sign in by password, and return the response."""
        return self.cognito.initiate_auth(
            ClientId=client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": username, "PASSWORD": password},
        )

    def access_token(self, client_id: str, username: str, password: str = PASSWORD) -> str:
        """Return an access token of a sign-in by password."""
        answer = self.log_in(client_id, username, password)
        return str(answer["AuthenticationResult"]["AccessToken"])


@contextmanager
def running_program() -> Iterator[Program]:
    """Serve the local AWS, and create clients with its address in the environment alone."""
    clock = Clock(NOON.timestamp())
    with local_aws(announce=_ignore, now=clock) as aws, pytest.MonkeyPatch.context() as environ:
        environ.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
        environ.setenv("AWS_DEFAULT_REGION", "us-east-1")
        environ.setenv("AWS_ACCESS_KEY_ID", "local")
        environ.setenv("AWS_SECRET_ACCESS_KEY", "local")
        cognito, dynamodb = boto3.client("cognito-idp"), boto3.client("dynamodb")
        yield Program(aws.endpoint_url, clock, cognito, dynamodb)
        cognito.close()
        dynamodb.close()


@contextmanager
def refused(code: str, message: str | None = None) -> Iterator[None]:
    """Expect an error as boto3 raises it: with its code, message, status and request id."""
    with pytest.raises(ClientError) as raised:
        yield
    response = raised.value.response
    assert type(raised.value).__name__ in {code, "ClientError"}
    assert response["Error"]["Code"] == code, response
    assert message in {None, response["Error"]["Message"]}, response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response["ResponseMetadata"]["RequestId"]
