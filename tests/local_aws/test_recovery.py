"""A forgotten password is reset with a code, and signs out everywhere."""

import pytest

from local_aws.cognito.recovery import NO_CONTACT
from tests.local_aws.support import PASSWORD, Harness, refusal, refusal_type, wrong

NEW = "N3wpassw0rd!"
EXPIRED = ("ExpiredCodeException", "Invalid code provided, please request a code again.")
MISMATCH = (
    "CodeMismatchException",
    "Invalid verification code provided, please try again.",
)


async def _forgot(harness: Harness, username: str, app: str = "public") -> dict[str, str]:
    answer = await harness.cognito.forgot_password(
        ClientId=harness.apps[app].client_id, Username=username
    )
    return {key: str(value) for key, value in answer["CodeDeliveryDetails"].items()}


async def _reset(
    harness: Harness,
    username: str,
    code: str | None = None,
    password: str = NEW,
    app: str = "public",
) -> None:
    await harness.cognito.confirm_forgot_password(
        ClientId=harness.apps[app].client_id,
        Username=username,
        ConfirmationCode=code or harness.mail.code(username),
        Password=password,
    )


async def test_reset_replaces_the_password_and_ends_sessions(harness: Harness) -> None:
    """After a reset only the new password counts, and old tokens are dead."""
    username = await harness.member()
    tokens = await harness.tokens(username)
    assert await _forgot(harness, username) == {
        "Destination": "u***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    assert harness.mail.last(username).purpose == "password reset"
    await _reset(harness, username)
    assert await refusal_type(harness.tokens(username)) == "NotAuthorizedException"
    assert await harness.tokens(username, password=NEW)
    assert await refusal_type(harness.attributes(tokens["AccessToken"])) == "NotAuthorizedException"
    assert await refusal_type(harness.refresh(tokens["RefreshToken"])) == "NotAuthorizedException"


async def test_wrong_code_is_refused(harness: Harness) -> None:
    """A guess resets nothing."""
    username = await harness.member()
    await _forgot(harness, username)
    code = harness.mail.code(username)
    assert await refusal(_reset(harness, username, wrong(code))) == MISMATCH
    assert await harness.tokens(username)


async def test_code_expires_after_an_hour(harness: Harness) -> None:
    """A reset code is good for an hour."""
    username = await harness.member()
    await _forgot(harness, username)
    harness.clock.advance(3600)
    assert await refusal(_reset(harness, username)) == EXPIRED


async def test_reset_without_a_code_is_refused(harness: Harness) -> None:
    """Who asked for no code has none, not even the one of the sign-up."""
    username = await harness.member()
    assert await refusal(_reset(harness, username)) == EXPIRED


async def test_code_works_once(harness: Harness) -> None:
    """A code that was used is void."""
    username = await harness.member()
    await _forgot(harness, username)
    await _reset(harness, username)
    assert await refusal(_reset(harness, username, password=PASSWORD)) == EXPIRED


async def test_weak_password_does_not_cost_the_code(harness: Harness) -> None:
    """The policy holds for a reset too, and the code stays good."""
    username = await harness.member()
    await _forgot(harness, username)
    weak = _reset(harness, username, password="password")  # noqa: S106 -- what is tested
    assert await refusal_type(weak) == "InvalidPasswordException"
    await _reset(harness, username)


async def test_reset_ends_a_lockout(harness: Harness) -> None:
    """Whoever proves the address is let in at once."""
    username = await harness.member()
    for _ in range(5):
        await refusal(harness.tokens(username, password=NEW))
    await _forgot(harness, username)
    await _reset(harness, username)
    assert await harness.tokens(username, password=NEW)


async def test_guessing_ends_after_twenty_tries(harness: Harness) -> None:
    """A user's password can be reset 20 times an hour at most."""
    username = await harness.member()
    await _forgot(harness, username)
    code = wrong(harness.mail.code(username))
    for _ in range(20):
        assert await refusal(_reset(harness, username, code)) == MISMATCH
    assert await refusal_type(_reset(harness, username)) == "LimitExceededException"


async def test_unknown_user(harness: Harness) -> None:
    """An unknown user is not found, or gets a code that never comes."""
    assert await refusal_type(_forgot(harness, "nobody")) == "UserNotFoundException"
    assert await refusal_type(_reset(harness, "nobody", "1")) == "UserNotFoundException"
    assert (await _forgot(harness, "nobody", "hiding"))["Destination"] == "n***@e***"
    assert await refusal(_reset(harness, "nobody", "1", app="hiding")) == MISMATCH


async def test_user_without_a_verified_address(harness: Harness) -> None:
    """Where no code can go, none is sent; a client that may not know is not told."""
    username = await harness.member("bare")
    sent = harness.mail.count(username)
    assert await refusal(_forgot(harness, username, "bare")) == (
        "InvalidParameterException",
        NO_CONTACT,
    )
    assert (await _forgot(harness, username, "bare_hiding"))["Destination"] == "u***@e***"
    assert harness.mail.count(username) == sent


async def test_disabled_user_is_refused(harness: Harness) -> None:
    """A disabled user recovers nothing; a client that may not know is not told."""
    username = await harness.member()
    await harness.cognito.admin_disable_user(
        UserPoolId=harness.apps["public"].pool_id, Username=username
    )
    assert await refusal(_forgot(harness, username)) == (
        "NotAuthorizedException",
        "User is disabled.",
    )
    assert (await _forgot(harness, username, "hiding"))["DeliveryMedium"] == "EMAIL"


async def test_invited_user_has_nothing_to_reset(harness: Harness) -> None:
    """A temporary password is replaced at sign-in."""
    username = await harness.member()
    await harness.cognito.admin_set_user_password(
        UserPoolId=harness.apps["public"].pool_id, Username=username, Password=NEW
    )
    assert await refusal(_forgot(harness, username)) == (
        "NotAuthorizedException",
        "User password cannot be reset in the current state.",
    )


async def test_recovery_may_be_the_administrators(harness: Harness) -> None:
    """A pool may leave recovery to administrators."""
    await harness.cognito.admin_create_user(
        UserPoolId=harness.apps["closed"].pool_id,
        Username="closed-recovery",
        UserAttributes=[{"Name": "nickname", "Value": "x"}],
    )
    assert await refusal(_forgot(harness, "closed-recovery", "closed")) == (
        "NotAuthorizedException",
        "Contact administrator to reset password.",
    )


async def test_required_reset_closes_the_sign_in(harness: Harness) -> None:
    """A password that an administrator has voided is good for nothing."""
    username = await harness.member()
    pool_id = harness.apps["public"].pool_id
    for _ in range(2):
        await harness.cognito.admin_reset_user_password(UserPoolId=pool_id, Username=username)
    assert await refusal(harness.tokens(username)) == (
        "PasswordResetRequiredException",
        "Password reset required for the user",
    )
    await _reset(harness, username)
    assert await harness.tokens(username, password=NEW)


async def test_reset_of_an_unconfirmed_user_is_refused(harness: Harness) -> None:
    """An administrator resets confirmed users only."""
    username = await harness.sign_up()
    reset = harness.cognito.admin_reset_user_password(
        UserPoolId=harness.apps["public"].pool_id, Username=username
    )
    assert await refusal_type(reset) == "NotAuthorizedException"


async def _change(harness: Harness, access: str, old: str, new: str) -> None:
    await harness.cognito.change_password(
        AccessToken=access, PreviousPassword=old, ProposedPassword=new
    )


async def test_changed_password_counts_and_tokens_stay(harness: Harness) -> None:
    """Changing the password signs nobody out."""
    username = await harness.member()
    tokens = await harness.tokens(username)
    await _change(harness, tokens["AccessToken"], PASSWORD, NEW)
    assert await harness.tokens(username, password=NEW)
    await harness.refresh(tokens["RefreshToken"])


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (NEW, NEW, "NotAuthorizedException"),
        (PASSWORD, "password", "InvalidPasswordException"),
    ],
    ids=["wrong", "weak"],
)
async def test_change_needs_the_old_password_and_a_good_new_one(
    harness: Harness, old: str, new: str, error: str
) -> None:
    """A stolen token alone does not change the password."""
    username = await harness.member()
    access = (await harness.tokens(username))["AccessToken"]
    assert await refusal_type(_change(harness, access, old, new)) == error
    assert await harness.tokens(username)


async def test_changing_ends_after_five_times(harness: Harness) -> None:
    """Five changes an hour are enough."""
    username = await harness.member()
    access = (await harness.tokens(username))["AccessToken"]
    for _ in range(5):
        await _change(harness, access, PASSWORD, PASSWORD)
    assert await refusal(_change(harness, access, PASSWORD, PASSWORD)) == (
        "LimitExceededException",
        "Attempt limit exceeded, please try after some time.",
    )
