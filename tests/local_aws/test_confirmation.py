"""Confirmation takes the code that was sent, and only that."""

import pytest

from tests.local_aws.support import PASSWORD, Stage, refusal, refusal_type, wrong

EXPIRED = ("ExpiredCodeException", "Invalid code provided, please request a code again.")
MISMATCH = (
    "CodeMismatchException",
    "Invalid verification code provided, please try again.",
)


async def test_wrong_code_is_refused(stage: Stage) -> None:
    """A guess does not confirm anybody."""
    username = await stage.sign_up()
    code = wrong(stage.mail.code(username))
    assert await refusal(stage.confirm(username, code=code)) == MISMATCH
    assert await refusal_type(stage.tokens(username)) == "UserNotConfirmedException"


async def test_right_code_confirms_and_verifies_the_address(stage: Stage) -> None:
    """Who has the code has the address."""
    username = await stage.sign_up()
    await stage.confirm(username.upper(), code=stage.mail.code(username))
    access = (await stage.tokens(username))["AccessToken"]
    assert (await stage.attributes(access))["email_verified"] == "true"


async def test_code_expires_after_a_day(stage: Stage) -> None:
    """A code is good for 24 hours."""
    username = await stage.sign_up()
    stage.clock.advance(24 * 3600)
    assert await refusal(stage.confirm(username)) == EXPIRED


async def test_second_confirmation_is_refused(stage: Stage) -> None:
    """A confirmed user cannot be confirmed again."""
    username = await stage.member()
    assert await refusal(stage.confirm(username)) == (
        "NotAuthorizedException",
        "User cannot be confirmed. Current status is CONFIRMED",
    )


async def test_unknown_user_is_not_found(stage: Stage) -> None:
    """A client that may know is told that there is no such user."""
    assert await refusal(stage.confirm("nobody", code="482913")) == (
        "UserNotFoundException",
        "User does not exist.",
    )


async def test_unknown_user_is_hidden(stage: Stage) -> None:
    """A client that may not know is told that the code has expired."""
    assert await refusal(stage.confirm("nobody", "hiding", code="482913")) == EXPIRED


async def test_guessing_ends_after_fifteen_tries(stage: Stage) -> None:
    """A user can be confirmed 15 times an hour, and again in the next hour."""
    username = await stage.sign_up()
    code = stage.mail.code(username)
    for _ in range(15):
        assert await refusal(stage.confirm(username, code=wrong(code))) == MISMATCH
    assert await refusal(stage.confirm(username)) == (
        "LimitExceededException",
        "Attempt limit exceeded, please try after some time.",
    )
    stage.clock.advance(3600)
    await stage.confirm(username)


async def _resend(stage: Stage, username: str, app: str = "public") -> dict[str, str]:
    answer = await stage.cognito.resend_confirmation_code(
        ClientId=stage.apps[app].client_id, Username=username
    )
    details = answer.get("CodeDeliveryDetails", {})
    return {key: str(value) for key, value in details.items()}


async def test_resent_code_replaces_the_old_one(stage: Stage) -> None:
    """Only the newest code counts."""
    username = await stage.sign_up()
    first = stage.mail.code(username)
    details = await _resend(stage, username)
    assert details == {
        "Destination": "u***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    assert await refusal(stage.confirm(username, code=first)) == MISMATCH
    await stage.confirm(username)


async def test_code_of_a_pool_that_sends_none_is_announced_again(stage: Stage) -> None:
    """The console is the mailbox for a resent code too."""
    username = await stage.sign_up("bare")
    assert await _resend(stage, username, "bare") == {}
    await stage.confirm(username, "bare")


async def test_resending_to_a_confirmed_user_is_refused(stage: Stage) -> None:
    """A confirmed user needs no code."""
    username = await stage.member()
    assert await refusal(_resend(stage, username)) == (
        "InvalidParameterException",
        "User is already confirmed.",
    )


async def test_resending_ends_after_five_times(stage: Stage) -> None:
    """Five codes an hour are enough."""
    username = await stage.sign_up()
    for _ in range(5):
        await _resend(stage, username)
    assert await refusal_type(_resend(stage, username)) == "LimitExceededException"


async def test_resending_to_an_unknown_user(stage: Stage) -> None:
    """An unknown user is not found, or gets a delivery that never happens."""
    assert await refusal_type(_resend(stage, "nobody")) == "UserNotFoundException"
    simulated = await _resend(stage, "nobody", "hiding")
    assert simulated["Destination"] == "n***@e***"
    assert simulated == await _resend(stage, "nobody", "hiding")
    assert (await _resend(stage, "who@some.org", "hiding"))["Destination"] == "w***@s***"
    assert stage.mail.count("nobody") == 0


async def test_alias_that_is_taken_is_refused(stage: Stage) -> None:
    """A verified address signs in one user only, unless it is taken over."""
    first = await stage.member("alias")
    email = f"{first}@example.com"
    assert (await stage.tokens(email.upper(), "alias"))["AccessToken"]
    second = await stage.sign_up("alias", f"second-{first}", email=email)
    assert await refusal(stage.confirm(second, "alias")) == (
        "AliasExistsException",
        "An account with the given email already exists.",
    )
    await stage.cognito.confirm_sign_up(
        ClientId=stage.apps["alias"].client_id,
        Username=second,
        ConfirmationCode=stage.mail.code(second),
        ForceAliasCreation=True,
    )
    access = (await stage.tokens(email, "alias"))["AccessToken"]
    assert (await stage.cognito.get_user(AccessToken=access))["Username"] == second


async def test_unverified_alias_signs_nobody_in(stage: Stage) -> None:
    """An address is an alias only once it is verified; a preferred name always is."""
    username = await stage.sign_up("alias", preferred_username="Boss")
    email = f"{username}@example.com"
    assert await refusal_type(stage.tokens(email, "alias")) == "UserNotFoundException"
    assert await refusal_type(stage.tokens("boss", "alias")) == "UserNotConfirmedException"


@pytest.mark.parametrize("name", ["email", "sub"])
async def test_user_of_an_email_pool_has_two_names(stage: Stage, name: str) -> None:
    """Where the address is the user name, the sub is one too."""
    email = await stage.member("email", f"{await stage.sign_up()}@example.com")
    access = (await stage.tokens(email, "email"))["AccessToken"]
    sub = (await stage.attributes(access))["sub"]
    assert (await stage.cognito.get_user(AccessToken=access))["Username"] == sub
    assert await stage.tokens({"email": email.upper(), "sub": sub}[name], "email", PASSWORD)
