"""A pool with its own challenge asks for the code that is sent, three times at most."""

from typing import Any

import pytest

from tests.local_aws.support import Harness, refusal, refusal_type, wrong

WRONG = ("NotAuthorizedException", "Incorrect username or password.")


async def _begin(harness: Harness, username: str, app: str = "custom") -> dict[str, Any]:
    return dict(
        await harness.cognito.initiate_auth(
            ClientId=harness.apps[app].client_id,
            AuthFlow="CUSTOM_AUTH",
            AuthParameters={"USERNAME": username},
        )
    )


async def test_right_answer_signs_in(harness: Harness) -> None:
    """The answer is the code that was sent, and it counts once."""
    username = await harness.member("custom")
    begun = await _begin(harness, username)
    assert begun["ChallengeName"] == "CUSTOM_CHALLENGE"
    assert begun["ChallengeParameters"] == {"USERNAME": username}
    mail = harness.mail.last(username)
    assert (mail.purpose, mail.attribute) == ("custom challenge", "email")
    answer = await harness.respond(begun, username, "custom", ANSWER=mail.code)
    assert answer["AuthenticationResult"]["AccessToken"]
    again = harness.respond(begun, username, "custom", ANSWER=mail.code)
    assert await refusal_type(again) == "NotAuthorizedException"


async def test_wrong_answer_is_followed_by_the_challenge(harness: Harness) -> None:
    """After a wrong answer the challenge comes again, in a session of its own."""
    username = await harness.member("custom")
    first = await _begin(harness, username)
    code = harness.mail.code(username)
    second = await harness.respond(first, username, "custom", ANSWER=wrong(code))
    assert second["ChallengeName"] == "CUSTOM_CHALLENGE"
    assert await refusal_type(harness.respond(first, username, "custom", ANSWER=code)) == (
        "NotAuthorizedException"
    )
    answer = await harness.respond(second, username, "custom", ANSWER=code)
    assert answer["AuthenticationResult"]["AccessToken"]


async def test_third_wrong_answer_ends_it(harness: Harness) -> None:
    """After three wrong answers the right one is too late."""
    username = await harness.member("custom")
    challenge = await _begin(harness, username)
    code = harness.mail.code(username)
    for _ in range(2):
        challenge = await harness.respond(challenge, username, "custom", ANSWER=wrong(code))
    last = harness.respond(challenge, username, "custom", ANSWER=wrong(code))
    assert await refusal(last) == WRONG
    late = harness.respond(challenge, username, "custom", ANSWER=code)
    assert await refusal(late) == ("NotAuthorizedException", "Invalid session for the user.")


async def test_user_without_an_address_is_announced(harness: Harness) -> None:
    """The console is the mailbox of a user who has no other."""
    username = await harness.sign_up("custom", "nameless")
    await harness.cognito.admin_confirm_sign_up(
        UserPoolId=harness.apps["custom"].pool_id, Username=username
    )
    await _begin(harness, username)
    mail = harness.mail.last(username)
    assert (mail.attribute, mail.destination) == (None, None)


async def test_pool_without_a_challenge_refuses(harness: Harness) -> None:
    """A client may have the flow where the pool has no function for it."""
    username = await harness.member("plain_custom")
    assert await refusal(_begin(harness, username, "plain_custom")) == (
        "InvalidParameterException",
        "Custom auth lambda trigger is not configured for the user pool.",
    )


@pytest.mark.parametrize(
    ("app", "error"), [("custom", "UserNotFoundException"), ("custom_hiding", WRONG[0])]
)
async def test_unknown_user_is_refused(harness: Harness, app: str, error: str) -> None:
    """A custom challenge is not simulated: the refusal is the one of a wrong password."""
    assert await refusal_type(_begin(harness, "nobody", app)) == error


async def test_user_who_may_not_sign_in_is_refused(harness: Harness) -> None:
    """Neither an unconfirmed user nor a disabled one is asked anything."""
    username = await harness.sign_up("custom")
    assert await refusal_type(_begin(harness, username)) == "UserNotConfirmedException"
    await harness.confirm(username, "custom")
    begun = await _begin(harness, username)
    code = harness.mail.code(username)
    pool_id = harness.apps["custom"].pool_id
    await harness.cognito.admin_disable_user(UserPoolId=pool_id, Username=username)
    disabled = ("NotAuthorizedException", "User is disabled.")
    assert await refusal(_begin(harness, username)) == disabled
    assert await refusal(harness.respond(begun, username, "custom", ANSWER=code)) == disabled
