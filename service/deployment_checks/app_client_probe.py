"""Whether Cognito accepts the id and the secret of the app client."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from service.aws.failure_advice import code_and_message, known_cause
from service.aws.failure_causes import CLIENT_ID, CLIENT_SECRET, USER_POOL_ID
from service.cognito.user_pool_client import secret_hash
from service.deployment_checks.results import CheckResult, NamedCheck
from service.observability.upstream_calls import COGNITO

if TYPE_CHECKING:
    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient
    from types_aiobotocore_cognito_idp.type_defs import ConfirmSignUpRequestTypeDef

    from service.config.settings import CognitoConfig

APP_CLIENT: Final = NamedCheck(2, "app client")
SERVER_ERROR: Final = 500


async def check_app_client(
    client: CognitoIdentityProviderClient, config: CognitoConfig
) -> CheckResult | None:
    """
    Return whether Cognito accepts the app client's id and secret, or None if it does not answer.

    ConfirmSignUp of a user that does not exist changes nothing, sends nothing and starts no trigger, but
    Cognito checks both first. It takes no rights. Which flows the app client allows is not checked.
    """
    username = f"~start-{secrets.token_hex(8)}"
    secret = config.client_secret
    arguments: ConfirmSignUpRequestTypeDef = {
        "ClientId": config.client_id,
        "Username": username,
        "ConfirmationCode": "000000",
    }
    if secret is not None:
        arguments["SecretHash"] = secret_hash(config.client_id, secret, username)
    try:
        await client.confirm_sign_up(**arguments)
    except ClientError as error:
        cause = known_cause(error, COGNITO)
        if cause is not None and cause.setting in {CLIENT_ID, CLIENT_SECRET, USER_POOL_ID}:
            return APP_CLIENT.wrong(code_and_message(error), cause.advice)
        if error.response["ResponseMetadata"]["HTTPStatusCode"] >= SERVER_ERROR:
            return None
    except BotoCoreError:
        return None
    return APP_CLIENT.ok(f"Cognito accepts {config.client_id}")
