"""Calls of the local Cognito as a client makes them."""

import base64
import hashlib
import hmac
import uuid
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError
from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient
from types_aiobotocore_cognito_idp.type_defs import AuthenticationResultTypeTypeDef

from local_aws.cognito import totp
from local_aws.outbox import Delivery

PASSWORD = "Passw0rd!"  # noqa: S105 -- of test users


@dataclass(slots=True)
class Clock:
    """Give Cognito a time that a test can move forward."""

    seconds: float

    def __call__(self) -> float:
        """Tell the time."""
        return self.seconds

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The codes that were sent."""

    sent: list[Delivery] = field(default_factory=list)

    def last(self, username: str) -> Delivery:
        """Return the newest delivery to a user."""
        return next(mail for mail in reversed(self.sent) if mail.username == username)

    def code(self, username: str) -> str:
        """Return the newest code of a user."""
        return self.last(username).code

    def count(self, username: str) -> int:
        """Return the number of deliveries to a user."""
        return sum(mail.username == username for mail in self.sent)


@dataclass(frozen=True, slots=True)
class AppClient:
    """An app client and its secret."""

    pool_id: str
    client_id: str
    secret: str | None

    def hash(self, username: str) -> str:
        """Return the secret hash."""
        message = f"{username}{self.client_id}".encode()
        digest = hmac.digest((self.secret or "").encode(), message, hashlib.sha256)
        return base64.b64encode(digest).decode()


async def refusal(call: Awaitable[Any]) -> tuple[str, str]:
    """Return type and message of the error; fails if the call succeeds."""
    try:
        answer = await call
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    raise AssertionError(answer)


async def refusal_type(call: Awaitable[Any]) -> str:
    """Return the type of the error; fails if the call succeeds."""
    return (await refusal(call))[0]


def wrong(code: str) -> str:
    """Return a different code."""
    return f"{(int(code) + 1) % 1_000_000:06}"


@dataclass(frozen=True, slots=True)
class Harness:
    """A Cognito client with pools of every kind behind it."""

    cognito: CognitoIdentityProviderClient
    apps: Mapping[str, AppClient]
    mail: Mailbox
    clock: Clock

    async def sign_up(
        self, app: str = "public", username: str | None = None, **attributes: str
    ) -> str:
        """Sign up a new user, by default with an e-mail address."""
        name = username or f"user-{uuid.uuid4().hex}"
        given = {"email": f"{name}@example.com"} if username is None else {}
        await self.cognito.sign_up(
            ClientId=self.apps[app].client_id,
            Username=name,
            Password=PASSWORD,
            UserAttributes=[
                {"Name": key, "Value": value} for key, value in (given | attributes).items()
            ],
        )
        return name

    async def confirm(self, username: str, app: str = "public", code: str | None = None) -> None:
        """Confirm a user, by default with the code that was sent."""
        await self.cognito.confirm_sign_up(
            ClientId=self.apps[app].client_id,
            Username=username,
            ConfirmationCode=code or self.mail.code(username),
        )

    async def member(
        self, app: str = "public", username: str | None = None, **attributes: str
    ) -> str:
        """Sign up and confirm a new user."""
        name = await self.sign_up(app, username, **attributes)
        await self.confirm(name, app)
        return name

    async def log_in(
        self, username: str, app: str = "public", password: str = PASSWORD
    ) -> dict[str, Any]:
        """Sign in with the password, and return the whole response."""
        return dict(
            await self.cognito.initiate_auth(
                ClientId=self.apps[app].client_id,
                AuthFlow="USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": username, "PASSWORD": password},
            )
        )

    async def tokens(
        self, username: str, app: str = "public", password: str = PASSWORD
    ) -> AuthenticationResultTypeTypeDef:
        """Sign in and return the tokens."""
        answer: AuthenticationResultTypeTypeDef = (await self.log_in(username, app, password))[
            "AuthenticationResult"
        ]
        return answer

    async def refresh(self, token: str, app: str = "public") -> AuthenticationResultTypeTypeDef:
        """Exchange a refresh token."""
        answer = await self.cognito.get_tokens_from_refresh_token(
            ClientId=self.apps[app].client_id, RefreshToken=token
        )
        return answer["AuthenticationResult"]

    async def begin(
        self,
        username: str,
        app: str = "choice",
        **parameters: str,
    ) -> dict[str, Any]:
        """Start a choice-based sign-in, and return the whole response."""
        return dict(
            await self.cognito.initiate_auth(
                ClientId=self.apps[app].client_id,
                AuthFlow="USER_AUTH",
                AuthParameters={"USERNAME": username, **parameters},
            )
        )

    async def respond(
        self,
        challenge: Mapping[str, Any],
        username: str,
        app: str = "choice",
        **answer: str,
    ) -> dict[str, Any]:
        """Respond to a challenge, and return the whole response."""
        return dict(
            await self.cognito.respond_to_auth_challenge(
                ClientId=self.apps[app].client_id,
                ChallengeName=challenge["ChallengeName"],
                Session=challenge["Session"],
                ChallengeResponses={"USERNAME": username, **answer},
            )
        )

    async def enrolled(self, app: str) -> tuple[str, str, str]:
        """Sign up a user with TOTP; return user name, access token and secret, with no code used yet."""
        username = await self.member(app)
        access = (await self.tokens(username, app))["AccessToken"]
        secret = (await self.cognito.associate_software_token(AccessToken=access))["SecretCode"]
        code = totp.code_at(secret, int(self.clock.seconds) // totp.STEP_S)
        await self.cognito.verify_software_token(AccessToken=access, UserCode=code)
        self.clock.advance(4 * totp.STEP_S)
        return username, access, secret

    async def attributes(self, access_token: str) -> dict[str, str]:
        """Return the user's attributes."""
        shown = await self.cognito.get_user(AccessToken=access_token)
        return {item["Name"]: item.get("Value", "") for item in shown["UserAttributes"]}
