"""A forgotten password is reset with a code, and signs out everywhere."""

import pytest

from local_aws.cognito.recovery import NO_CONTACT
from tests.local_aws.support import PASSWORD, Stage, refusal, refusal_type, wrong

NEW = "N3wpassw0rd!"
EXPIRED = ("ExpiredCodeException", "Invalid code provided, please request a code again.")
MISMATCH = (
    "CodeMismatchException",
    "Invalid verification code provided, please try again.",
)


async def _forgot(stage: Stage, username: str, app: str = "public") -> dict[str, str]:
    answer = await stage.cognito.forgot_password(
        ClientId=stage.apps[app].client_id, Username=username
    )
    return {key: str(value) for key, value in answer["CodeDeliveryDetails"].items()}


async def _reset(
    stage: Stage,
    username: str,
    code: str | None = None,
    password: str = NEW,
    app: str = "public",
) -> None:
    await stage.cognito.confirm_forgot_password(
        ClientId=stage.apps[app].client_id,
        Username=username,
        ConfirmationCode=code or stage.mail.code(username),
        Password=password,
    )


async def test_reset_replaces_the_password_and_ends_sessions(stage: Stage) -> None:
    """After a reset only the new password counts, and old tokens are dead."""
    username = await stage.member()
    tokens = await stage.tokens(username)
    assert await _forgot(stage, username) == {
        "Destination": "u***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    assert stage.mail.last(username).purpose == "password reset"
    await _reset(stage, username)
    assert await refusal_type(stage.tokens(username)) == "NotAuthorizedException"
    assert await stage.tokens(username, password=NEW)
    assert await refusal_type(stage.attributes(tokens["AccessToken"])) == "NotAuthorizedException"
    assert await refusal_type(stage.refresh(tokens["RefreshToken"])) == "NotAuthorizedException"


async def test_wrong_code_is_refused(stage: Stage) -> None:
    """A guess resets nothing."""
    username = await stage.member()
    await _forgot(stage, username)
    code = stage.mail.code(username)
    assert await refusal(_reset(stage, username, wrong(code))) == MISMATCH
    assert await stage.tokens(username)


async def test_code_expires_after_an_hour(stage: Stage) -> None:
    """A reset code is good for an hour."""
    username = await stage.member()
    await _forgot(stage, username)
    stage.clock.advance(3600)
    assert await refusal(_reset(stage, username)) == EXPIRED


async def test_reset_without_a_code_is_refused(stage: Stage) -> None:
    """Who asked for no code has none, not even the one of the sign-up."""
    username = await stage.member()
    assert await refusal(_reset(stage, username)) == EXPIRED


async def test_code_works_once(stage: Stage) -> None:
    """A code that was used is void."""
    username = await stage.member()
    await _forgot(stage, username)
    await _reset(stage, username)
    assert await refusal(_reset(stage, username, password=PASSWORD)) == EXPIRED


async def test_weak_password_does_not_cost_the_code(stage: Stage) -> None:
    """The policy holds for a reset too, and the code stays good."""
    username = await stage.member()
    await _forgot(stage, username)
    weak = _reset(stage, username, password="password")  # noqa: S106 -- what is tested
    assert await refusal_type(weak) == "InvalidPasswordException"
    await _reset(stage, username)


async def test_reset_ends_a_lockout(stage: Stage) -> None:
    """Whoever proves the address is let in at once."""
    username = await stage.member()
    for _ in range(5):
        await refusal(stage.tokens(username, password=NEW))
    await _forgot(stage, username)
    await _reset(stage, username)
    assert await stage.tokens(username, password=NEW)


async def test_guessing_ends_after_twenty_tries(stage: Stage) -> None:
    """A user's password can be reset 20 times an hour at most."""
    username = await stage.member()
    await _forgot(stage, username)
    code = wrong(stage.mail.code(username))
    for _ in range(20):
        assert await refusal(_reset(stage, username, code)) == MISMATCH
    assert await refusal_type(_reset(stage, username)) == "LimitExceededException"


async def test_unknown_user(stage: Stage) -> None:
    """An unknown user is not found, or gets a code that never comes."""
    assert await refusal_type(_forgot(stage, "nobody")) == "UserNotFoundException"
    assert await refusal_type(_reset(stage, "nobody", "1")) == "UserNotFoundException"
    assert (await _forgot(stage, "nobody", "hiding"))["Destination"] == "n***@e***"
    assert await refusal(_reset(stage, "nobody", "1", app="hiding")) == MISMATCH


async def test_user_without_a_verified_address(stage: Stage) -> None:
    """Where no code can go, none is sent; a client that may not know is not told."""
    username = await stage.member("bare")
    sent = stage.mail.count(username)
    assert await refusal(_forgot(stage, username, "bare")) == (
        "InvalidParameterException",
        NO_CONTACT,
    )
    assert (await _forgot(stage, username, "bare_hiding"))["Destination"] == "u***@e***"
    assert stage.mail.count(username) == sent


async def test_disabled_user_is_refused(stage: Stage) -> None:
    """A disabled user recovers nothing; a client that may not know is not told."""
    username = await stage.member()
    await stage.cognito.admin_disable_user(
        UserPoolId=stage.apps["public"].pool_id, Username=username
    )
    assert await refusal(_forgot(stage, username)) == (
        "NotAuthorizedException",
        "User is disabled.",
    )
    assert (await _forgot(stage, username, "hiding"))["DeliveryMedium"] == "EMAIL"


async def test_invited_user_has_nothing_to_reset(stage: Stage) -> None:
    """A temporary password is replaced at sign-in."""
    username = await stage.member()
    await stage.cognito.admin_set_user_password(
        UserPoolId=stage.apps["public"].pool_id, Username=username, Password=NEW
    )
    assert await refusal(_forgot(stage, username)) == (
        "NotAuthorizedException",
        "User password cannot be reset in the current state.",
    )


async def test_recovery_may_be_the_administrators(stage: Stage) -> None:
    """A pool may leave recovery to administrators."""
    await stage.cognito.admin_create_user(
        UserPoolId=stage.apps["closed"].pool_id,
        Username="closed-recovery",
        UserAttributes=[{"Name": "nickname", "Value": "x"}],
    )
    assert await refusal(_forgot(stage, "closed-recovery", "closed")) == (
        "NotAuthorizedException",
        "Contact administrator to reset password.",
    )


async def test_required_reset_closes_the_sign_in(stage: Stage) -> None:
    """A password that an administrator has voided is good for nothing."""
    username = await stage.member()
    pool_id = stage.apps["public"].pool_id
    for _ in range(2):
        await stage.cognito.admin_reset_user_password(UserPoolId=pool_id, Username=username)
    assert await refusal(stage.tokens(username)) == (
        "PasswordResetRequiredException",
        "Password reset required for the user",
    )
    await _reset(stage, username)
    assert await stage.tokens(username, password=NEW)


async def test_reset_of_an_unconfirmed_user_is_refused(stage: Stage) -> None:
    """An administrator resets confirmed users only."""
    username = await stage.sign_up()
    reset = stage.cognito.admin_reset_user_password(
        UserPoolId=stage.apps["public"].pool_id, Username=username
    )
    assert await refusal_type(reset) == "NotAuthorizedException"


async def _change(stage: Stage, access: str, old: str, new: str) -> None:
    await stage.cognito.change_password(
        AccessToken=access, PreviousPassword=old, ProposedPassword=new
    )


async def test_changed_password_counts_and_tokens_stay(stage: Stage) -> None:
    """Changing the password signs nobody out."""
    username = await stage.member()
    tokens = await stage.tokens(username)
    await _change(stage, tokens["AccessToken"], PASSWORD, NEW)
    assert await stage.tokens(username, password=NEW)
    await stage.refresh(tokens["RefreshToken"])


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (NEW, NEW, "NotAuthorizedException"),
        (PASSWORD, "password", "InvalidPasswordException"),
    ],
    ids=["wrong", "weak"],
)
async def test_change_needs_the_old_password_and_a_good_new_one(
    stage: Stage, old: str, new: str, error: str
) -> None:
    """A stolen token alone does not change the password."""
    username = await stage.member()
    access = (await stage.tokens(username))["AccessToken"]
    assert await refusal_type(_change(stage, access, old, new)) == error
    assert await stage.tokens(username)


async def test_changing_ends_after_five_times(stage: Stage) -> None:
    """Five changes an hour are enough."""
    username = await stage.member()
    access = (await stage.tokens(username))["AccessToken"]
    for _ in range(5):
        await _change(stage, access, PASSWORD, PASSWORD)
    assert await refusal(_change(stage, access, PASSWORD, PASSWORD)) == (
        "LimitExceededException",
        "Attempt limit exceeded, please try after some time.",
    )
