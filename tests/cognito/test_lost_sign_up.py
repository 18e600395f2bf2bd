"""A sign-up with a lost reply is resolved by its password."""

import pytest

from service.aws.clients import Clients
from service.cognito.adapters import identity_provider
from service.config.settings import CognitoConfig
from service.domain.accounts import NewAccount, SignedUp
from service.domain.errors import UpstreamUnavailable
from service.domain.identity_provider import IdentityProvider
from tests.cognito.calls import ACCOUNT, CLIENT, METADATA, PASSWORD, USERNAME
from tests.cognito.conftest import CLIENT_ID
from tests.cognito.detour import detour, refusing
from tests.support.cognito_answers import SESSION, USER_ID
from tests.support.scripted_cognito import (
    CLOSED,
    CUT_SHORT,
    GARBAGE,
    ScriptedCognito,
    Step,
    refusal,
    resetting,
    success,
    usual,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

lost_answers = pytest.mark.parametrize(
    "lost",
    [CLOSED, resetting, CUT_SHORT, GARBAGE],
    ids=["closed", "reset", "cut short", "garbage"],
)


@lost_answers
async def test_unconfirmed_account_proves_the_sign_up(
    lost: Step, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """Cognito returns UserNotConfirmedException only for the right password: the account was created."""
    cognito.answers("SignUp", lost)
    cognito.answers("InitiateAuth", refusal("UserNotConfirmedException"))

    signed_up = await provider.registrations.sign_up(ACCOUNT, CLIENT)

    assert signed_up == SignedUp(user_id=None, confirmed=False, delivery=None)
    assert cognito.operations == ["SignUp", "InitiateAuth"]
    assert cognito.arguments("InitiateAuth") == {
        "ClientId": CLIENT_ID,
        "ClientMetadata": METADATA,
        "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": USERNAME, "PASSWORD": PASSWORD},
    }


@lost_answers
async def test_tokens_prove_a_sign_up_that_needs_no_confirmation(
    lost: Step, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A successful sign-in is a confirmed account; the tokens contain the user id."""
    cognito.answers("SignUp", lost)

    signed_up = await provider.registrations.sign_up(ACCOUNT, CLIENT)

    assert signed_up == SignedUp(USER_ID, confirmed=True, delivery=None)
    assert cognito.operations == ["SignUp", "InitiateAuth"]


async def test_challenge_proves_it_without_the_id(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A challenge requires the right password; it does not contain the user id."""
    cognito.answers("SignUp", CLOSED)
    challenge = {"ChallengeName": "MFA_SETUP", "Session": SESSION, "ChallengeParameters": {}}
    cognito.answers("InitiateAuth", success(challenge))

    signed_up = await provider.registrations.sign_up(ACCOUNT, CLIENT)

    assert signed_up == SignedUp(user_id=None, confirmed=True, delivery=None)


@pytest.mark.parametrize(
    "found",
    [
        refusal("NotAuthorizedException", "Incorrect username or password."),
        refusal("UserNotFoundException"),
        refusal("TooManyRequestsException"),
        refusal("InternalErrorException"),
        refusal("InvalidParameterException", "USER_PASSWORD_AUTH flow not enabled for this client"),
        CLOSED,
    ],
    ids=["another's, or none", "none", "throttled", "down", "no such flow", "lost as well"],
)
async def test_account_that_is_not_proved_is_unavailable(
    found: Step, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """If the password proves nothing, the caller gets the first error; SignUp was sent once."""
    cognito.answers("SignUp", CLOSED)
    cognito.answers("InitiateAuth", found)

    with pytest.raises(UpstreamUnavailable):
        await provider.registrations.sign_up(ACCOUNT, CLIENT)

    assert cognito.operations == ["SignUp", "InitiateAuth"]


async def test_lost_sign_up_without_a_password_is_unavailable(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """Nothing proves that the account was created, and no code is sent to find out."""
    cognito.answers("SignUp", CLOSED)

    with pytest.raises(UpstreamUnavailable):
        await provider.registrations.sign_up(NewAccount(USERNAME), CLIENT)

    assert cognito.operations == ["SignUp"]


async def test_error_response_is_not_a_lost_reply(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """An error that Cognito returns is not a lost reply."""
    cognito.answers("SignUp", refusal("InternalErrorException"))

    with pytest.raises(UpstreamUnavailable):
        await provider.registrations.sign_up(ACCOUNT, CLIENT)

    assert cognito.operations == ["SignUp"]


async def test_sign_up_lost_at_its_second_try_is_proved(
    client: Clients, app_client: CognitoConfig, cognito: ScriptedCognito
) -> None:
    """A call that was not taken first and lost then is found out about as well."""
    cognito.answers("SignUp", CLOSED, usual)
    registrations = identity_provider(client.cognito, config=app_client).registrations

    with refusing() as nobody, detour(client.cognito, nobody) as turning:
        signed_up = await registrations.sign_up(ACCOUNT, CLIENT)

    assert signed_up == SignedUp(USER_ID, confirmed=True, delivery=None)
    assert turning.attempts == ["SignUp", "SignUp", "InitiateAuth"]
