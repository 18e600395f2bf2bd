"""Passkey registration and sign-in on the local Cognito."""

import json
from typing import Any

from tests.local_aws.support import Harness
from tests.support.webauthn_authenticator import Authenticator


async def options(harness: Harness, access: str) -> dict[str, Any]:
    """Start a registration, and return its options."""
    begun = await harness.cognito.start_web_authn_registration(AccessToken=access)
    return begun["CredentialCreationOptions"]


async def complete(harness: Harness, access: str, credential: dict[str, Any]) -> None:
    """Complete a registration."""
    await harness.cognito.complete_web_authn_registration(AccessToken=access, Credential=credential)


async def registered(
    harness: Harness, authenticator: Authenticator, app: str = "choice"
) -> tuple[str, str]:
    """Sign up a user with a passkey; return user name and access token."""
    username = await harness.member(app)
    access = (await harness.tokens(username, app))["AccessToken"]
    await complete(harness, access, authenticator.register(await options(harness, access)))
    return username, access


def requested(challenge: dict[str, Any]) -> dict[str, Any]:
    """Return the request options of a passkey challenge."""
    wanted: dict[str, Any] = json.loads(
        challenge["ChallengeParameters"]["CREDENTIAL_REQUEST_OPTIONS"]
    )
    return wanted
