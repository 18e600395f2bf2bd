"""Time-based codes are real, and sessions belong to one user and one challenge."""

import uuid
from typing import Any

import pyotp
import pytest

from tests.local_aws.support import PASSWORD, Harness, refusal, refusal_type, wrong

TOTP = "SOFTWARE_TOKEN_MFA"
INVALID_SESSION = ("NotAuthorizedException", "Invalid session for the user.")
NEW = "N3wpassw0rd!"


def _code(harness: Harness, secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(int(harness.clock.seconds) + 30 * steps)


async def _respond(
    harness: Harness,
    name: Any,  # noqa: ANN401 -- one of the model's literals
    session: str,
    username: str,
    app: str = "mfa",
    **answer: str,
) -> Any:  # noqa: ANN401 -- botocore's
    return await harness.cognito.respond_to_auth_challenge(
        ClientId=harness.apps[app].client_id,
        ChallengeName=name,
        Session=session,
        ChallengeResponses={"USERNAME": username, **answer},
    )


async def _answer_code(harness: Harness, session: str, username: str, code: str) -> Any:  # noqa: ANN401 -- botocore's
    return await _respond(harness, TOTP, session, username, SOFTWARE_TOKEN_MFA_CODE=code)


async def _enrolled(harness: Harness) -> tuple[str, str]:
    """Sign up a user with TOTP, and move on so that no code is used yet."""
    username = await harness.member("mfa")
    access = (await harness.tokens(username, "mfa"))["AccessToken"]
    secret = (await harness.cognito.associate_software_token(AccessToken=access))["SecretCode"]
    verified = await harness.cognito.verify_software_token(
        AccessToken=access, UserCode=_code(harness, secret)
    )
    assert verified["Status"] == "SUCCESS"
    await harness.cognito.set_user_mfa_preference(
        AccessToken=access, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True}
    )
    harness.clock.advance(120)
    return username, secret


async def test_secret_is_each_users_own(harness: Harness) -> None:
    """Every association draws a new secret of at least 128 bits."""
    secrets = set()
    for _ in range(2):
        access = (await harness.tokens(await harness.member("mfa"), "mfa"))["AccessToken"]
        for _ in range(2):
            answer = await harness.cognito.associate_software_token(AccessToken=access)
            secrets.add(answer["SecretCode"])
    assert len(secrets) == 4
    assert all(len(pyotp.TOTP(secret).byte_secret()) >= 16 for secret in secrets)


async def test_sign_in_takes_a_second_step(harness: Harness) -> None:
    """Password and code together give tokens."""
    username, secret = await _enrolled(harness)
    begun = await harness.log_in(username, "mfa")
    assert begun["ChallengeName"] == TOTP
    assert "AuthenticationResult" not in begun
    answer = await _answer_code(harness, begun["Session"], username, _code(harness, secret))
    access = answer["AuthenticationResult"]["AccessToken"]
    shown = await harness.cognito.get_user(AccessToken=access)
    assert shown["PreferredMfaSetting"] == TOTP
    assert shown["UserMFASettingList"] == [TOTP]
    factors = await harness.cognito.get_user_auth_factors(AccessToken=access)
    assert factors["ConfiguredUserAuthFactors"] == ["PASSWORD"]
    assert factors["UserMFASettingList"] == [TOTP]


@pytest.mark.parametrize("steps", [-1, 0, 1])
async def test_code_of_a_neighbouring_step_is_accepted(harness: Harness, steps: int) -> None:
    """Clocks differ by a step."""
    username, secret = await _enrolled(harness)
    session = (await harness.log_in(username, "mfa"))["Session"]
    assert await _answer_code(harness, session, username, _code(harness, secret, steps))


@pytest.mark.parametrize("steps", [-2, 2])
async def test_code_of_a_distant_step_is_refused(harness: Harness, steps: int) -> None:
    """Clocks do not differ by two steps, and the session survives the mistake."""
    username, secret = await _enrolled(harness)
    session = (await harness.log_in(username, "mfa"))["Session"]
    answer = _answer_code(harness, session, username, _code(harness, secret, steps))
    assert await refusal(answer) == ("CodeMismatchException", "Invalid code received for user")
    assert await _answer_code(harness, session, username, _code(harness, secret))


async def test_code_works_once(harness: Harness) -> None:
    """A code that was seen is worthless, in another session too."""
    username, secret = await _enrolled(harness)
    first = (await harness.log_in(username, "mfa"))["Session"]
    second = (await harness.log_in(username, "mfa"))["Session"]
    code = _code(harness, secret)
    await _answer_code(harness, first, username, code)
    assert await refusal(_answer_code(harness, second, username, code)) == (
        "ExpiredCodeException",
        "Your software token has already been used once.",
    )


async def test_session_works_once(harness: Harness) -> None:
    """A session that gave tokens is closed."""
    username, secret = await _enrolled(harness)
    session = (await harness.log_in(username, "mfa"))["Session"]
    await _answer_code(harness, session, username, _code(harness, secret))
    again = _answer_code(harness, session, username, _code(harness, secret, 1))
    assert await refusal(again) == INVALID_SESSION


async def test_session_of_another_user_is_refused(harness: Harness) -> None:
    """One user's password and another one's code sign in nobody."""
    alice, _ = await _enrolled(harness)
    bob, secret = await _enrolled(harness)
    session = (await harness.log_in(alice, "mfa"))["Session"]
    assert (
        await refusal(_answer_code(harness, session, bob, _code(harness, secret)))
        == INVALID_SESSION
    )


async def test_session_of_another_client_is_refused(harness: Harness) -> None:
    """A session belongs to the client that began it."""
    username, secret = await _enrolled(harness)
    session = (await harness.log_in(username, "mfa"))["Session"]
    code = {"SOFTWARE_TOKEN_MFA_CODE": _code(harness, secret)}
    answer = _respond(harness, TOTP, session, username, "must_mfa", **code)
    assert await refusal(answer) == INVALID_SESSION


async def test_session_of_another_challenge_is_refused(harness: Harness) -> None:
    """The code cannot be skipped by setting a new password."""
    username, _ = await _enrolled(harness)
    session = (await harness.log_in(username, "mfa"))["Session"]
    answer = _respond(harness, "NEW_PASSWORD_REQUIRED", session, username, NEW_PASSWORD=NEW)
    assert await refusal(answer) == INVALID_SESSION
    assert await harness.log_in(username, "mfa", PASSWORD)


async def test_session_expires(harness: Harness) -> None:
    """A challenge is answered within three minutes."""
    username, secret = await _enrolled(harness)
    session = (await harness.log_in(username, "mfa"))["Session"]
    harness.clock.advance(180)
    assert await refusal(_answer_code(harness, session, username, _code(harness, secret))) == (
        "NotAuthorizedException",
        "Invalid session for the user, session is expired.",
    )


async def test_session_of_a_disabled_or_deleted_user_is_refused(harness: Harness) -> None:
    """Who is gone meanwhile is not let in."""
    username, secret = await _enrolled(harness)
    session = (await harness.log_in(username, "mfa"))["Session"]
    pool_id = harness.apps["mfa"].pool_id
    await harness.cognito.admin_disable_user(UserPoolId=pool_id, Username=username)
    answer = _answer_code(harness, session, username, _code(harness, secret))
    assert await refusal(answer) == ("NotAuthorizedException", "User is disabled.")
    await harness.cognito.admin_delete_user(UserPoolId=pool_id, Username=username)
    answer = _answer_code(harness, session, username, _code(harness, secret))
    assert await refusal(answer) == INVALID_SESSION


async def test_challenge_that_is_lacking_is_named(harness: Harness) -> None:
    """What the local Cognito cannot check, it does not let pass."""
    name = "ADMIN_NO_SRP_AUTH"
    assert await refusal(_respond(harness, name, "x" * 20, "nobody")) == (
        "UnsupportedOperationException",
        f"The local Cognito does not implement {name}.",
    )


async def test_missing_answer_is_named(harness: Harness) -> None:
    """An answer without a code is refused, not broken."""
    username, _ = await _enrolled(harness)
    session = (await harness.log_in(username, "mfa"))["Session"]
    assert await refusal(_respond(harness, TOTP, session, username)) == (
        "InvalidParameterException",
        "Missing required parameter SOFTWARE_TOKEN_MFA_CODE",
    )


async def test_wrong_code_does_not_enrol(harness: Harness) -> None:
    """Whoever cannot compute codes does not switch them on."""
    access = (await harness.tokens(await harness.member("mfa"), "mfa"))["AccessToken"]
    secret = (await harness.cognito.associate_software_token(AccessToken=access))["SecretCode"]
    code = wrong(_code(harness, secret))
    verified = harness.cognito.verify_software_token(AccessToken=access, UserCode=code)
    assert await refusal(verified) == (
        "EnableSoftwareTokenMFAException",
        "Code mismatch and fail enable Software Token MFA",
    )
    preferred = harness.cognito.set_user_mfa_preference(
        AccessToken=access, SoftwareTokenMfaSettings={"Enabled": True}
    )
    assert await refusal_type(preferred) == "InvalidParameterException"


async def test_verification_needs_an_association(harness: Harness) -> None:
    """There is no code without a secret."""
    access = (await harness.tokens(await harness.member("mfa"), "mfa"))["AccessToken"]
    verified = harness.cognito.verify_software_token(AccessToken=access, UserCode="482913")
    assert await refusal_type(verified) == "SoftwareTokenMFANotFoundException"


async def test_pool_without_mfa_associates_nothing(harness: Harness) -> None:
    """The pool decides whether there is TOTP."""
    access = (await harness.tokens(await harness.member()))["AccessToken"]
    associated = harness.cognito.associate_software_token(AccessToken=access)
    assert await refusal_type(associated) == "SoftwareTokenMFANotFoundException"


async def test_new_association_leaves_the_old_secret_in_use(harness: Harness) -> None:
    """A secret counts once it is verified."""
    username, secret = await _enrolled(harness)
    session = (await harness.log_in(username, "mfa"))["Session"]
    answer = await _answer_code(harness, session, username, _code(harness, secret))
    access = answer["AuthenticationResult"]["AccessToken"]
    await harness.cognito.associate_software_token(AccessToken=access)
    session = (await harness.log_in(username, "mfa"))["Session"]
    assert await _answer_code(harness, session, username, _code(harness, secret, 1))


async def test_switched_off_factor_is_not_asked_for(harness: Harness) -> None:
    """After switching TOTP off the password is enough; changing nothing changes nothing."""
    username, secret = await _enrolled(harness)
    session = (await harness.log_in(username, "mfa"))["Session"]
    answer = await _answer_code(harness, session, username, _code(harness, secret))
    access = answer["AuthenticationResult"]["AccessToken"]
    await harness.cognito.set_user_mfa_preference(AccessToken=access)
    assert "Session" in await harness.log_in(username, "mfa")
    await harness.cognito.set_user_mfa_preference(
        AccessToken=access, SoftwareTokenMfaSettings={"Enabled": False}
    )
    assert await harness.tokens(username, "mfa")


@pytest.mark.parametrize(
    "settings",
    [
        {"SMSMfaSettings": {"Enabled": True}},
        {"EmailMfaSettings": {"Enabled": True}},
        {"SoftwareTokenMfaSettings": {"Enabled": False, "PreferredMfa": True}},
    ],
    ids=["sms", "email", "preferred"],
)
async def test_factor_that_cannot_work_is_refused(
    harness: Harness, settings: dict[str, Any]
) -> None:
    """A factor needs what it works with."""
    access = (await harness.tokens(await harness.member("mfa"), "mfa"))["AccessToken"]
    preferred = harness.cognito.set_user_mfa_preference(AccessToken=access, **settings)
    assert await refusal_type(preferred) == "InvalidParameterException"


async def test_pool_can_demand_the_set_up(harness: Harness) -> None:
    """Where a second factor is a must, the first sign-in sets it up."""
    username = await harness.member("must_mfa")
    begun = await harness.log_in(username, "must_mfa")
    assert begun["ChallengeName"] == "MFA_SETUP"
    first = begun["Session"]
    skipped = _respond(harness, "MFA_SETUP", first, username, "must_mfa")
    assert await refusal(skipped) == INVALID_SESSION
    associated = await harness.cognito.associate_software_token(Session=first)
    verified = await harness.cognito.verify_software_token(
        Session=associated["Session"], UserCode=_code(harness, associated["SecretCode"])
    )
    assert await refusal(harness.cognito.associate_software_token(Session=first)) == INVALID_SESSION
    answer = await _respond(harness, "MFA_SETUP", verified["Session"], username, "must_mfa")
    assert answer["AuthenticationResult"]["AccessToken"]
    assert (await harness.log_in(username, "must_mfa"))["ChallengeName"] == TOTP


async def test_association_needs_a_caller(harness: Harness) -> None:
    """Somebody has to be signed in, or on the way."""
    associated = harness.cognito.associate_software_token()
    assert await refusal_type(associated) == "InvalidParameterException"


async def _invited(harness: Harness, app: str = "public") -> tuple[str, str]:
    username = f"invited-{uuid.uuid4().hex}"
    await harness.cognito.admin_create_user(
        UserPoolId=harness.apps[app].pool_id, Username=username, TemporaryPassword=PASSWORD
    )
    begun = await harness.log_in(username, app)
    assert begun["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    return username, begun["Session"]


async def test_invited_user_sets_a_password(harness: Harness) -> None:
    """A temporary password buys the right to set a real one, with attributes."""
    username, session = await _invited(harness)
    new = {"NEW_PASSWORD": NEW, "userAttributes.name": "Alice"}
    answer = await _respond(harness, "NEW_PASSWORD_REQUIRED", session, username, "public", **new)
    access = answer["AuthenticationResult"]["AccessToken"]
    assert (await harness.attributes(access))["name"] == "Alice"
    assert await harness.tokens(username, password=NEW)


async def test_new_password_obeys_the_policy(harness: Harness) -> None:
    """A weak password is refused, and the session stays open."""
    username, session = await _invited(harness)
    challenge = ("NEW_PASSWORD_REQUIRED", session, username, "public")
    weak = _respond(harness, *challenge, NEW_PASSWORD="password")  # noqa: S106 -- what is tested
    assert await refusal_type(weak) == "InvalidPasswordException"
    assert await _respond(harness, *challenge, NEW_PASSWORD=NEW)


async def test_required_attributes_are_asked_for(harness: Harness) -> None:
    """What the pool requires and the invitation lacks comes with the new password."""
    username, session = await _invited(harness, "closed")
    challenge = ("NEW_PASSWORD_REQUIRED", session, username, "closed")
    assert await refusal_type(_respond(harness, *challenge, NEW_PASSWORD=NEW)) == (
        "InvalidParameterException"
    )
    given = {"NEW_PASSWORD": NEW, "userAttributes.nickname": "al"}
    assert await _respond(harness, *challenge, **given)


async def test_invited_user_of_a_strict_pool_sets_up_mfa_next(harness: Harness) -> None:
    """One challenge leads to the next."""
    username, session = await _invited(harness, "must_mfa")
    answer = await _respond(
        harness, "NEW_PASSWORD_REQUIRED", session, username, "must_mfa", NEW_PASSWORD=NEW
    )
    assert answer["ChallengeName"] == "MFA_SETUP"
