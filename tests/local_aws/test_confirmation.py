"""Confirmation takes the code that was sent, and only that."""

import pytest

from tests.local_aws.support import PASSWORD, Harness, refusal, refusal_type, wrong

EXPIRED = ("ExpiredCodeException", "Invalid code provided, please request a code again.")
MISMATCH = (
    "CodeMismatchException",
    "Invalid verification code provided, please try again.",
)


async def test_wrong_code_is_refused(harness: Harness) -> None:
    """A guess does not confirm anybody."""
    username = await harness.sign_up()
    code = wrong(harness.mail.code(username))
    assert await refusal(harness.confirm(username, code=code)) == MISMATCH
    assert await refusal_type(harness.tokens(username)) == "UserNotConfirmedException"


async def test_right_code_confirms_and_verifies_the_address(harness: Harness) -> None:
    """Who has the code has the address."""
    username = await harness.sign_up()
    await harness.confirm(username.upper(), code=harness.mail.code(username))
    access = (await harness.tokens(username))["AccessToken"]
    assert (await harness.attributes(access))["email_verified"] == "true"


async def test_code_expires_after_a_day(harness: Harness) -> None:
    """A code is good for 24 hours."""
    username = await harness.sign_up()
    harness.clock.advance(24 * 3600)
    assert await refusal(harness.confirm(username)) == EXPIRED


async def test_second_confirmation_is_refused(harness: Harness) -> None:
    """A confirmed user cannot be confirmed again."""
    username = await harness.member()
    assert await refusal(harness.confirm(username)) == (
        "NotAuthorizedException",
        "User cannot be confirmed. Current status is CONFIRMED",
    )


async def test_unknown_user_is_not_found(harness: Harness) -> None:
    """A client that may know is told that there is no such user."""
    assert await refusal(harness.confirm("nobody", code="482913")) == (
        "UserNotFoundException",
        "User does not exist.",
    )


async def test_unknown_user_is_hidden(harness: Harness) -> None:
    """A client that may not know is told that the code has expired."""
    assert await refusal(harness.confirm("nobody", "hiding", code="482913")) == EXPIRED


async def test_guessing_ends_after_fifteen_tries(harness: Harness) -> None:
    """A user can be confirmed 15 times an hour, and again in the next hour."""
    username = await harness.sign_up()
    code = harness.mail.code(username)
    for _ in range(15):
        assert await refusal(harness.confirm(username, code=wrong(code))) == MISMATCH
    assert await refusal(harness.confirm(username)) == (
        "LimitExceededException",
        "Attempt limit exceeded, please try after some time.",
    )
    harness.clock.advance(3600)
    await harness.confirm(username)


async def _resend(harness: Harness, username: str, app: str = "public") -> dict[str, str]:
    answer = await harness.cognito.resend_confirmation_code(
        ClientId=harness.apps[app].client_id, Username=username
    )
    details = answer.get("CodeDeliveryDetails", {})
    return {key: str(value) for key, value in details.items()}


async def test_resent_code_replaces_the_old_one(harness: Harness) -> None:
    """Only the newest code counts."""
    username = await harness.sign_up()
    first = harness.mail.code(username)
    details = await _resend(harness, username)
    assert details == {
        "Destination": "u***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    assert await refusal(harness.confirm(username, code=first)) == MISMATCH
    await harness.confirm(username)


async def test_code_of_a_pool_that_sends_none_is_announced_again(harness: Harness) -> None:
    """The console is the mailbox for a resent code too."""
    username = await harness.sign_up("bare")
    assert await _resend(harness, username, "bare") == {}
    await harness.confirm(username, "bare")


async def test_resending_to_a_confirmed_user_is_refused(harness: Harness) -> None:
    """A confirmed user needs no code."""
    username = await harness.member()
    assert await refusal(_resend(harness, username)) == (
        "InvalidParameterException",
        "User is already confirmed.",
    )


async def test_resending_ends_after_five_times(harness: Harness) -> None:
    """Five codes an hour are enough."""
    username = await harness.sign_up()
    for _ in range(5):
        await _resend(harness, username)
    assert await refusal_type(_resend(harness, username)) == "LimitExceededException"


async def test_resending_to_an_unknown_user(harness: Harness) -> None:
    """An unknown user is not found, or gets a delivery that never happens."""
    assert await refusal_type(_resend(harness, "nobody")) == "UserNotFoundException"
    simulated = await _resend(harness, "nobody", "hiding")
    assert simulated["Destination"] == "n***@e***"
    assert simulated == await _resend(harness, "nobody", "hiding")
    assert (await _resend(harness, "who@some.org", "hiding"))["Destination"] == "w***@s***"
    assert harness.mail.count("nobody") == 0


async def test_alias_that_is_taken_is_refused(harness: Harness) -> None:
    """A verified address signs in one user only, unless it is taken over."""
    first = await harness.member("alias")
    email = f"{first}@example.com"
    assert (await harness.tokens(email.upper(), "alias"))["AccessToken"]
    second = await harness.sign_up("alias", f"second-{first}", email=email)
    assert await refusal(harness.confirm(second, "alias")) == (
        "AliasExistsException",
        "An account with the given email already exists.",
    )
    await harness.cognito.confirm_sign_up(
        ClientId=harness.apps["alias"].client_id,
        Username=second,
        ConfirmationCode=harness.mail.code(second),
        ForceAliasCreation=True,
    )
    access = (await harness.tokens(email, "alias"))["AccessToken"]
    assert (await harness.cognito.get_user(AccessToken=access))["Username"] == second


async def test_unverified_alias_signs_nobody_in(harness: Harness) -> None:
    """An address is an alias only once it is verified; a preferred name always is."""
    username = await harness.sign_up("alias", preferred_username="Boss")
    email = f"{username}@example.com"
    assert await refusal_type(harness.tokens(email, "alias")) == "UserNotFoundException"
    assert await refusal_type(harness.tokens("boss", "alias")) == "UserNotConfirmedException"


@pytest.mark.parametrize("name", ["email", "sub"])
async def test_user_of_an_email_pool_has_two_names(harness: Harness, name: str) -> None:
    """Where the address is the user name, the sub is one too."""
    email = await harness.member("email", f"{await harness.sign_up()}@example.com")
    access = (await harness.tokens(email, "email"))["AccessToken"]
    sub = (await harness.attributes(access))["sub"]
    assert (await harness.cognito.get_user(AccessToken=access))["Username"] == sub
    assert await harness.tokens({"email": email.upper(), "sub": sub}[name], "email", PASSWORD)
