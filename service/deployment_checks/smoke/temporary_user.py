"""A user that exists as long as the checks run."""

from __future__ import annotations

import secrets
import uuid
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from service.aws.failure_advice import advice_for, code_and_message
from service.deployment_checks.results import CheckResult, NamedCheck
from service.deployment_checks.smoke.deployment import Unreachable, bearer
from service.deployment_checks.smoke.journey import Credentials
from service.observability.upstream_calls import COGNITO

if TYPE_CHECKING:
    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient

    from service.deployment_checks.smoke.deployment import Deployment, SignedIn

CREATE: Final = NamedCheck(6, "user is created")
ACCOUNT: Final = NamedCheck(6, "account is deleted")
RIGHTS: Final = (
    "It needs credentials of the pool's account with cognito-idp:AdminCreateUser, AdminSetUserPassword "
    "and AdminDeleteUser."
)
DOMAIN: Final = "example.com"  # RFC 2606: no message could reach anybody


class TemporaryUser:
    """Creates a user of a pool without a message to anybody, and deletes it."""

    def __init__(self, cognito: CognitoIdentityProviderClient, user_pool_id: str) -> None:
        self._cognito = cognito
        self._user_pool_id = user_pool_id
        self._exists = False
        self._email = f"smoke-{uuid.uuid4()}@{DOMAIN}"
        self.credentials = Credentials(self._email, f"Aa1!{secrets.token_urlsafe(24)}")

    async def create(self) -> CheckResult:
        """Create the user, confirmed and with the password."""
        try:
            try:
                await self._create()
            except self._cognito.exceptions.InvalidParameterException:
                # A pool with aliases takes no e-mail address as user name.
                name = self._email.partition("@")[0]
                self.credentials = Credentials(name, self.credentials.password)
                await self._create()
            self._exists = True
            await self._cognito.admin_set_user_password(
                UserPoolId=self._user_pool_id,
                Username=self.credentials.username,
                Password=self.credentials.password,
                Permanent=True,
            )
        except ClientError as error:
            advice = advice_for(error, COGNITO, default=RIGHTS)
            return CREATE.unknown(code_and_message(error), advice)
        except BotoCoreError as error:
            return CREATE.unknown(type(error).__name__, advice_for(error, default=RIGHTS))
        return CREATE.ok("without a message")

    async def _create(self) -> None:
        await self._cognito.admin_create_user(
            UserPoolId=self._user_pool_id,
            Username=self.credentials.username,
            UserAttributes=[
                {"Name": "email", "Value": self._email},
                {"Name": "email_verified", "Value": "true"},
            ],
            MessageAction="SUPPRESS",
        )

    async def delete_by_itself(self, deployment: Deployment, signed_in: SignedIn) -> CheckResult:
        """Return whether the user can delete the own account through the deployment."""
        try:
            answer = await deployment.call(
                "DELETE", "/api/auth/me", headers=bearer(signed_in.access_token)
            )
        except Unreachable as unreachable:
            return ACCOUNT.unknown(str(unreachable))
        if answer.status != HTTPStatus.NO_CONTENT:
            return answer.unexpected(
                ACCOUNT, "204 /api/auth/me", "`aws_call_failed` in the log says why."
            )
        try:
            if await self._delete():
                detail = "204, and the account was still there"
                return ACCOUNT.wrong(detail, "Report it as a defect.")
        except (ClientError, BotoCoreError) as error:
            return ACCOUNT.unknown(f"204, and Cognito did not say: {type(error).__name__}")
        return ACCOUNT.ok("204 /api/auth/me")

    async def remove(self) -> CheckResult | None:
        """Delete the user if it is still there; returns what went wrong."""
        if not self._exists:
            return None
        try:
            await self._delete()
        except (ClientError, BotoCoreError) as error:
            return ACCOUNT.wrong(
                f"The user that was created is still there: {type(error).__name__}.",
                "Delete it:\n"
                f"aws cognito-idp admin-delete-user --user-pool-id {self._user_pool_id} "
                f"--username {self.credentials.username}",
            )
        return None

    async def _delete(self) -> bool:
        """Delete the user, and return whether it was there."""
        with suppress(self._cognito.exceptions.UserNotFoundException):
            await self._cognito.admin_delete_user(
                UserPoolId=self._user_pool_id, Username=self.credentials.username
            )
            return True
        return False
