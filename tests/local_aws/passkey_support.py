"""Register passkeys and sign in with them, on the local Cognito."""

import json
from typing import Any

from tests.local_aws.support import Stage
from tests.support.webauthn_authenticator import Authenticator


async def options(stage: Stage, access: str) -> dict[str, Any]:
    """Begin a registration."""
    begun = await stage.cognito.start_web_authn_registration(AccessToken=access)
    return begun["CredentialCreationOptions"]


async def complete(stage: Stage, access: str, credential: dict[str, Any]) -> None:
    """Complete a registration."""
    await stage.cognito.complete_web_authn_registration(AccessToken=access, Credential=credential)


async def registered(
    stage: Stage, authenticator: Authenticator, app: str = "choice"
) -> tuple[str, str]:
    """Sign up a user with a passkey; give name and access token."""
    username = await stage.member(app)
    access = (await stage.tokens(username, app))["AccessToken"]
    await complete(stage, access, authenticator.register(await options(stage, access)))
    return username, access


def requested(challenge: dict[str, Any]) -> dict[str, Any]:
    """Read the options of a challenge that a passkey answers."""
    wanted: dict[str, Any] = json.loads(
        challenge["ChallengeParameters"]["CREDENTIAL_REQUEST_OPTIONS"]
    )
    return wanted
