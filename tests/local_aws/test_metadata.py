"""The ClientMetadata of a call is beside the code that the call sends."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest

from tests.local_aws.support import PASSWORD, Harness

METADATA = {"locale": "de", "app": "web"}
Sending: TypeAlias = Callable[[Harness, str, dict[str, Any]], Awaitable[Any]]

BY_NAME: dict[str, Sending] = {
    "ResendConfirmationCode": lambda to, _, named: to.cognito.resend_confirmation_code(**named),
    "ForgotPassword": lambda to, _, named: to.cognito.forgot_password(**named),
}


def _named(harness: Harness, username: str, app: str) -> dict[str, Any]:
    client_id = harness.apps[app].client_id
    return {"ClientId": client_id, "Username": username, "ClientMetadata": METADATA}


@pytest.mark.parametrize("operation", BY_NAME)
async def test_metadata_of_a_code_by_name(harness: Harness, operation: str) -> None:
    """A resent code and one to reset a password have the metadata of their calls."""
    confirmed = operation == "ForgotPassword"
    username = await (harness.member() if confirmed else harness.sign_up())
    assert harness.mail.last(username).metadata == {}
    await BY_NAME[operation](harness, username, _named(harness, username, "public"))
    assert harness.mail.last(username).metadata == METADATA


async def test_metadata_of_codes_that_verify_an_address(harness: Harness) -> None:
    """A changed address and a code that is requested again have the metadata of their calls."""
    username = await harness.member()
    access = (await harness.tokens(username))["AccessToken"]
    await harness.cognito.update_user_attributes(
        AccessToken=access,
        UserAttributes=[{"Name": "email", "Value": f"new-{username}@example.com"}],
        ClientMetadata=METADATA,
    )
    assert harness.mail.last(username).metadata == METADATA
    await harness.cognito.get_user_attribute_verification_code(
        AccessToken=access, AttributeName="email", ClientMetadata={"locale": "fr"}
    )
    assert harness.mail.last(username).metadata == {"locale": "fr"}


async def test_metadata_of_a_sign_in_by_code(harness: Harness) -> None:
    """The code of a sign-in has the metadata of the call that sent it, its first or its second."""
    username = await harness.member("choice")
    await harness.cognito.initiate_auth(
        ClientId=harness.apps["choice"].client_id,
        AuthFlow="USER_AUTH",
        AuthParameters={"USERNAME": username, "PREFERRED_CHALLENGE": "EMAIL_OTP"},
        ClientMetadata=METADATA,
    )
    assert harness.mail.last(username).metadata == METADATA
    begun = await harness.begin(username)
    await harness.cognito.respond_to_auth_challenge(
        ClientId=harness.apps["choice"].client_id,
        ChallengeName="SELECT_CHALLENGE",
        Session=begun["Session"],
        ChallengeResponses={"USERNAME": username, "ANSWER": "EMAIL_OTP"},
        ClientMetadata={"locale": "fr"},
    )
    assert harness.mail.last(username).metadata == {"locale": "fr"}


async def test_metadata_of_a_sign_up_and_a_custom_challenge(harness: Harness) -> None:
    """A sign-up and a challenge of the pool's own have the metadata of their calls."""
    username = "metadata-of-a-custom-challenge"
    named = _named(harness, username, "custom")
    await harness.cognito.sign_up(
        **named,
        Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": "custom@example.com"}],
    )
    assert harness.mail.last(username).metadata == METADATA
    await harness.confirm(username, "custom")
    await harness.cognito.initiate_auth(
        ClientId=named["ClientId"],
        AuthFlow="CUSTOM_AUTH",
        AuthParameters={"USERNAME": username},
        ClientMetadata={"locale": "fr"},
    )
    assert harness.mail.last(username).metadata == {"locale": "fr"}


async def test_metadata_of_an_invitation(harness: Harness) -> None:
    """The message to an invited user has the metadata of the administrator's call."""
    username = "metadata-of-an-invitation"
    await harness.cognito.admin_create_user(
        UserPoolId=harness.apps["public"].pool_id,
        Username=username,
        UserAttributes=[{"Name": "email", "Value": "invited@example.com"}],
        ClientMetadata=METADATA,
    )
    assert harness.mail.last(username).metadata == METADATA
