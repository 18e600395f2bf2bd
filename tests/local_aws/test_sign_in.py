"""Sign-in tells no more than it should, and tires of guesses."""

import uuid
from typing import Any

import pytest

from tests.local_aws.support import PASSWORD, Harness, refusal, refusal_type

WRONG = ("NotAuthorizedException", "Incorrect username or password.")
LOCKED = ("NotAuthorizedException", "Password attempts exceeded")
GUESS = "Guessed1!"


async def _begin(harness: Harness, flow: Any, app: str = "public", **parameters: str) -> Any:  # noqa: ANN401 -- botocore's
    return await harness.cognito.initiate_auth(
        ClientId=harness.apps[app].client_id, AuthFlow=flow, AuthParameters=parameters
    )


async def test_wrong_password_is_refused(harness: Harness) -> None:
    """A wrong password is answered alike by every client."""
    username = await harness.member()
    assert await refusal(harness.tokens(username, password=GUESS)) == WRONG
    assert await refusal(harness.tokens(username, "hiding", GUESS)) == WRONG


async def test_unknown_user_is_not_found(harness: Harness) -> None:
    """A client that may know is told."""
    assert await refusal_type(harness.tokens("nobody")) == "UserNotFoundException"


async def test_unknown_user_is_hidden(harness: Harness) -> None:
    """A client that may not know cannot tell an unknown user from a wrong password."""
    assert await refusal(harness.tokens("nobody", "hiding")) == WRONG


async def test_unconfirmed_user_is_told_only_with_the_password(harness: Harness) -> None:
    """Whoever does not know the password learns nothing."""
    username = await harness.sign_up()
    assert await refusal(harness.tokens(username, password=GUESS)) == WRONG
    assert await refusal(harness.tokens(username)) == (
        "UserNotConfirmedException",
        "User is not confirmed.",
    )


async def test_disabled_user_is_refused(harness: Harness) -> None:
    """A disabled user neither signs in nor refreshes, and the tokens die."""
    username = await harness.member()
    tokens = await harness.tokens(username)
    pool_id = harness.apps["public"].pool_id
    await harness.cognito.admin_disable_user(UserPoolId=pool_id, Username=username.upper())
    assert await refusal(harness.tokens(username)) == (
        "NotAuthorizedException",
        "User is disabled.",
    )
    assert await refusal_type(harness.refresh(tokens["RefreshToken"])) == "NotAuthorizedException"
    assert (await refusal(harness.attributes(tokens["AccessToken"])))[1].endswith("revoked")


async def test_lockout_doubles_from_the_fifth_failure(harness: Harness) -> None:
    """The fifth failure locks for a second, the next one for two; the right password waits too."""
    username = await harness.member()
    for _ in range(5):
        assert await refusal(harness.tokens(username, password=GUESS)) == WRONG
    assert await refusal(harness.tokens(username)) == LOCKED
    harness.clock.advance(1)
    assert await refusal(harness.tokens(username, password=GUESS)) == WRONG
    harness.clock.advance(1)
    assert await refusal(harness.tokens(username)) == LOCKED
    harness.clock.advance(1)
    await harness.tokens(username)
    assert await refusal(harness.tokens(username, password=GUESS)) == WRONG
    await harness.tokens(username)


async def test_lockout_is_forgotten_after_fifteen_quiet_minutes(harness: Harness) -> None:
    """Failures of long ago do not count."""
    username = await harness.member()
    for _ in range(5):
        await refusal(harness.tokens(username, password=GUESS))
    harness.clock.advance(900)
    assert await refusal(harness.tokens(username, password=GUESS)) == WRONG
    await harness.tokens(username)


async def test_unknown_user_is_never_locked_out(harness: Harness) -> None:
    """AWS documents a lockout of users only, so a name that nobody has is answered alike for ever."""
    name = f"nobody-{uuid.uuid4().hex}"
    for _ in range(10):
        assert await refusal(harness.tokens(name, "hiding")) == WRONG


@pytest.mark.parametrize(
    ("flow", "app"),
    [
        ("USER_PASSWORD_AUTH", "unset_flows"),
        ("USER_AUTH", "public"),
        ("USER_SRP_AUTH", "public"),
        ("CUSTOM_AUTH", "public"),
        ("REFRESH_TOKEN_AUTH", "all_flows"),
        ("REFRESH_TOKEN", "rotating"),
    ],
)
async def test_flow_that_is_off_is_refused(harness: Harness, flow: str, app: str) -> None:
    """A client uses only the flows that it was made for."""
    assert await refusal(_begin(harness, flow, app, USERNAME="x", PASSWORD=PASSWORD)) == (
        "InvalidParameterException",
        f"{flow} flow not enabled for this client",
    )


async def test_flow_that_is_lacking_is_named(harness: Harness) -> None:
    """What the local Cognito cannot do, it does not pretend to do."""
    assert await refusal(_begin(harness, "CUSTOM_AUTH", "all_flows", USERNAME="x", SRP_A="1")) == (
        "UnsupportedOperationException",
        "The local Cognito does not implement CUSTOM_AUTH that begins with SRP.",
    )


async def test_administrators_flow_is_not_the_users(harness: Harness) -> None:
    """Admin flows come with AWS credentials only."""
    begun = _begin(harness, "ADMIN_USER_PASSWORD_AUTH", USERNAME="x", PASSWORD=PASSWORD)
    assert await refusal(begun) == (
        "InvalidParameterException",
        "Initiate Auth method not supported",
    )


async def test_older_names_of_flows_are_understood(harness: Harness) -> None:
    """A client with the older entries signs in with a password, and may always refresh."""
    username = await harness.member()
    token = (await harness.tokens(username, "old_flows"))["RefreshToken"]
    answer = await _begin(harness, "REFRESH_TOKEN_AUTH", "old_flows", REFRESH_TOKEN=token)
    assert answer["AuthenticationResult"]["AccessToken"]


@pytest.mark.parametrize(
    ("flow", "parameters", "missing"),
    [
        ("USER_PASSWORD_AUTH", {}, "USERNAME"),
        ("USER_PASSWORD_AUTH", {"USERNAME": "x"}, "PASSWORD"),
        ("REFRESH_TOKEN_AUTH", {}, "REFRESH_TOKEN"),
    ],
)
async def test_missing_parameter_is_named(
    harness: Harness, flow: str, parameters: dict[str, str], missing: str
) -> None:
    """A request without its parameters is refused, not broken."""
    assert await refusal(_begin(harness, flow, **parameters)) == (
        "InvalidParameterException",
        f"Missing required parameter {missing}",
    )


async def test_request_without_any_parameters_is_refused(harness: Harness) -> None:
    """AuthParameters may be left out, and then everything is missing."""
    client_id = harness.apps["public"].client_id
    begun = harness.cognito.initiate_auth(ClientId=client_id, AuthFlow="USER_PASSWORD_AUTH")
    assert await refusal_type(begun) == "InvalidParameterException"
