"""Time-based codes are real, and sessions belong to one user and one challenge."""

import uuid
from typing import Any

import pyotp
import pytest

from tests.local_aws.support import PASSWORD, Stage, refusal, refusal_type, wrong

TOTP = "SOFTWARE_TOKEN_MFA"
INVALID_SESSION = ("NotAuthorizedException", "Invalid session for the user.")
NEW = "N3wpassw0rd!"


def _code(stage: Stage, secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(int(stage.clock.seconds) + 30 * steps)


async def _respond(
    stage: Stage,
    name: Any,  # noqa: ANN401 -- one of the model's literals
    session: str,
    username: str,
    app: str = "mfa",
    **answer: str,
) -> Any:  # noqa: ANN401 -- botocore's
    return await stage.cognito.respond_to_auth_challenge(
        ClientId=stage.apps[app].client_id,
        ChallengeName=name,
        Session=session,
        ChallengeResponses={"USERNAME": username, **answer},
    )


async def _answer_code(stage: Stage, session: str, username: str, code: str) -> Any:  # noqa: ANN401 -- botocore's
    return await _respond(stage, TOTP, session, username, SOFTWARE_TOKEN_MFA_CODE=code)


async def _enrolled(stage: Stage) -> tuple[str, str]:
    """Sign up a user with TOTP, and move on so that no code is used yet."""
    username = await stage.member("mfa")
    access = (await stage.tokens(username, "mfa"))["AccessToken"]
    secret = (await stage.cognito.associate_software_token(AccessToken=access))["SecretCode"]
    verified = await stage.cognito.verify_software_token(
        AccessToken=access, UserCode=_code(stage, secret)
    )
    assert verified["Status"] == "SUCCESS"
    await stage.cognito.set_user_mfa_preference(
        AccessToken=access, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True}
    )
    stage.clock.advance(120)
    return username, secret


async def test_secret_is_each_users_own(stage: Stage) -> None:
    """Every association draws a new secret of at least 128 bits."""
    secrets = set()
    for _ in range(2):
        access = (await stage.tokens(await stage.member("mfa"), "mfa"))["AccessToken"]
        for _ in range(2):
            answer = await stage.cognito.associate_software_token(AccessToken=access)
            secrets.add(answer["SecretCode"])
    assert len(secrets) == 4
    assert all(len(pyotp.TOTP(secret).byte_secret()) >= 16 for secret in secrets)


async def test_sign_in_takes_a_second_step(stage: Stage) -> None:
    """Password and code together give tokens."""
    username, secret = await _enrolled(stage)
    begun = await stage.log_in(username, "mfa")
    assert begun["ChallengeName"] == TOTP
    assert "AuthenticationResult" not in begun
    answer = await _answer_code(stage, begun["Session"], username, _code(stage, secret))
    access = answer["AuthenticationResult"]["AccessToken"]
    shown = await stage.cognito.get_user(AccessToken=access)
    assert shown["PreferredMfaSetting"] == TOTP
    assert shown["UserMFASettingList"] == [TOTP]
    factors = await stage.cognito.get_user_auth_factors(AccessToken=access)
    assert factors["ConfiguredUserAuthFactors"] == ["PASSWORD"]
    assert factors["UserMFASettingList"] == [TOTP]


@pytest.mark.parametrize("steps", [-1, 0, 1])
async def test_code_of_a_neighbouring_step_is_accepted(stage: Stage, steps: int) -> None:
    """Clocks differ by a step."""
    username, secret = await _enrolled(stage)
    session = (await stage.log_in(username, "mfa"))["Session"]
    assert await _answer_code(stage, session, username, _code(stage, secret, steps))


@pytest.mark.parametrize("steps", [-2, 2])
async def test_code_of_a_distant_step_is_refused(stage: Stage, steps: int) -> None:
    """Clocks do not differ by two steps, and the session survives the mistake."""
    username, secret = await _enrolled(stage)
    session = (await stage.log_in(username, "mfa"))["Session"]
    answer = _answer_code(stage, session, username, _code(stage, secret, steps))
    assert await refusal(answer) == ("CodeMismatchException", "Invalid code received for user")
    assert await _answer_code(stage, session, username, _code(stage, secret))


async def test_code_works_once(stage: Stage) -> None:
    """A code that was seen is worthless, in another session too."""
    username, secret = await _enrolled(stage)
    first = (await stage.log_in(username, "mfa"))["Session"]
    second = (await stage.log_in(username, "mfa"))["Session"]
    code = _code(stage, secret)
    await _answer_code(stage, first, username, code)
    assert await refusal(_answer_code(stage, second, username, code)) == (
        "ExpiredCodeException",
        "Your software token has already been used once.",
    )


async def test_session_works_once(stage: Stage) -> None:
    """A session that gave tokens is closed."""
    username, secret = await _enrolled(stage)
    session = (await stage.log_in(username, "mfa"))["Session"]
    await _answer_code(stage, session, username, _code(stage, secret))
    again = _answer_code(stage, session, username, _code(stage, secret, 1))
    assert await refusal(again) == INVALID_SESSION


async def test_session_of_another_user_is_refused(stage: Stage) -> None:
    """One user's password and another one's code sign in nobody."""
    alice, _ = await _enrolled(stage)
    bob, secret = await _enrolled(stage)
    session = (await stage.log_in(alice, "mfa"))["Session"]
    assert await refusal(_answer_code(stage, session, bob, _code(stage, secret))) == INVALID_SESSION


async def test_session_of_another_client_is_refused(stage: Stage) -> None:
    """A session belongs to the client that began it."""
    username, secret = await _enrolled(stage)
    session = (await stage.log_in(username, "mfa"))["Session"]
    code = {"SOFTWARE_TOKEN_MFA_CODE": _code(stage, secret)}
    answer = _respond(stage, TOTP, session, username, "must_mfa", **code)
    assert await refusal(answer) == INVALID_SESSION


async def test_session_of_another_challenge_is_refused(stage: Stage) -> None:
    """The code cannot be skipped by setting a new password."""
    username, _ = await _enrolled(stage)
    session = (await stage.log_in(username, "mfa"))["Session"]
    answer = _respond(stage, "NEW_PASSWORD_REQUIRED", session, username, NEW_PASSWORD=NEW)
    assert await refusal(answer) == INVALID_SESSION
    assert await stage.log_in(username, "mfa", PASSWORD)


async def test_session_expires(stage: Stage) -> None:
    """A challenge is answered within three minutes."""
    username, secret = await _enrolled(stage)
    session = (await stage.log_in(username, "mfa"))["Session"]
    stage.clock.advance(180)
    assert await refusal(_answer_code(stage, session, username, _code(stage, secret))) == (
        "NotAuthorizedException",
        "Invalid session for the user, session is expired.",
    )


async def test_session_of_a_disabled_or_deleted_user_is_refused(stage: Stage) -> None:
    """Who is gone meanwhile is not let in."""
    username, secret = await _enrolled(stage)
    session = (await stage.log_in(username, "mfa"))["Session"]
    pool_id = stage.apps["mfa"].pool_id
    await stage.cognito.admin_disable_user(UserPoolId=pool_id, Username=username)
    answer = _answer_code(stage, session, username, _code(stage, secret))
    assert await refusal(answer) == ("NotAuthorizedException", "User is disabled.")
    await stage.cognito.admin_delete_user(UserPoolId=pool_id, Username=username)
    answer = _answer_code(stage, session, username, _code(stage, secret))
    assert await refusal(answer) == INVALID_SESSION


@pytest.mark.parametrize("name", ["DEVICE_SRP_AUTH", "PASSWORD_VERIFIER", "PASSWORD_SRP"])
async def test_challenge_that_is_lacking_is_named(stage: Stage, name: str) -> None:
    """What the local Cognito cannot check, it does not let pass."""
    assert await refusal(_respond(stage, name, "x" * 20, "nobody")) == (
        "UnsupportedOperationException",
        f"The local Cognito does not implement {name}.",
    )


async def test_missing_answer_is_named(stage: Stage) -> None:
    """An answer without a code is refused, not broken."""
    username, _ = await _enrolled(stage)
    session = (await stage.log_in(username, "mfa"))["Session"]
    assert await refusal(_respond(stage, TOTP, session, username)) == (
        "InvalidParameterException",
        "Missing required parameter SOFTWARE_TOKEN_MFA_CODE",
    )


async def test_wrong_code_does_not_enrol(stage: Stage) -> None:
    """Whoever cannot compute codes does not switch them on."""
    access = (await stage.tokens(await stage.member("mfa"), "mfa"))["AccessToken"]
    secret = (await stage.cognito.associate_software_token(AccessToken=access))["SecretCode"]
    code = wrong(_code(stage, secret))
    verified = stage.cognito.verify_software_token(AccessToken=access, UserCode=code)
    assert await refusal(verified) == (
        "EnableSoftwareTokenMFAException",
        "Code mismatch and fail enable Software Token MFA",
    )
    preferred = stage.cognito.set_user_mfa_preference(
        AccessToken=access, SoftwareTokenMfaSettings={"Enabled": True}
    )
    assert await refusal_type(preferred) == "InvalidParameterException"


async def test_verification_needs_an_association(stage: Stage) -> None:
    """There is no code without a secret."""
    access = (await stage.tokens(await stage.member("mfa"), "mfa"))["AccessToken"]
    verified = stage.cognito.verify_software_token(AccessToken=access, UserCode="482913")
    assert await refusal_type(verified) == "SoftwareTokenMFANotFoundException"


async def test_pool_without_mfa_associates_nothing(stage: Stage) -> None:
    """The pool decides whether there is TOTP."""
    access = (await stage.tokens(await stage.member()))["AccessToken"]
    associated = stage.cognito.associate_software_token(AccessToken=access)
    assert await refusal_type(associated) == "SoftwareTokenMFANotFoundException"


async def test_new_association_leaves_the_old_secret_in_use(stage: Stage) -> None:
    """A secret counts once it is verified."""
    username, secret = await _enrolled(stage)
    session = (await stage.log_in(username, "mfa"))["Session"]
    answer = await _answer_code(stage, session, username, _code(stage, secret))
    access = answer["AuthenticationResult"]["AccessToken"]
    await stage.cognito.associate_software_token(AccessToken=access)
    session = (await stage.log_in(username, "mfa"))["Session"]
    assert await _answer_code(stage, session, username, _code(stage, secret, 1))


async def test_switched_off_factor_is_not_asked_for(stage: Stage) -> None:
    """After switching TOTP off the password is enough; changing nothing changes nothing."""
    username, secret = await _enrolled(stage)
    session = (await stage.log_in(username, "mfa"))["Session"]
    answer = await _answer_code(stage, session, username, _code(stage, secret))
    access = answer["AuthenticationResult"]["AccessToken"]
    await stage.cognito.set_user_mfa_preference(AccessToken=access)
    assert "Session" in await stage.log_in(username, "mfa")
    await stage.cognito.set_user_mfa_preference(
        AccessToken=access, SoftwareTokenMfaSettings={"Enabled": False}
    )
    assert await stage.tokens(username, "mfa")


@pytest.mark.parametrize(
    "settings",
    [
        {"SMSMfaSettings": {"Enabled": True}},
        {"EmailMfaSettings": {"Enabled": True}},
        {"SoftwareTokenMfaSettings": {"Enabled": False, "PreferredMfa": True}},
    ],
    ids=["sms", "email", "preferred"],
)
async def test_factor_that_cannot_work_is_refused(stage: Stage, settings: dict[str, Any]) -> None:
    """A factor needs what it works with."""
    access = (await stage.tokens(await stage.member("mfa"), "mfa"))["AccessToken"]
    preferred = stage.cognito.set_user_mfa_preference(AccessToken=access, **settings)
    assert await refusal_type(preferred) == "InvalidParameterException"


async def test_pool_can_demand_the_set_up(stage: Stage) -> None:
    """Where a second factor is a must, the first sign-in sets it up."""
    username = await stage.member("must_mfa")
    begun = await stage.log_in(username, "must_mfa")
    assert begun["ChallengeName"] == "MFA_SETUP"
    first = begun["Session"]
    skipped = _respond(stage, "MFA_SETUP", first, username, "must_mfa")
    assert await refusal(skipped) == INVALID_SESSION
    associated = await stage.cognito.associate_software_token(Session=first)
    verified = await stage.cognito.verify_software_token(
        Session=associated["Session"], UserCode=_code(stage, associated["SecretCode"])
    )
    assert await refusal(stage.cognito.associate_software_token(Session=first)) == INVALID_SESSION
    answer = await _respond(stage, "MFA_SETUP", verified["Session"], username, "must_mfa")
    assert answer["AuthenticationResult"]["AccessToken"]
    assert (await stage.log_in(username, "must_mfa"))["ChallengeName"] == TOTP


async def test_association_needs_a_caller(stage: Stage) -> None:
    """Somebody has to be signed in, or on the way."""
    associated = stage.cognito.associate_software_token()
    assert await refusal_type(associated) == "InvalidParameterException"


async def _invited(stage: Stage, app: str = "public") -> tuple[str, str]:
    username = f"invited-{uuid.uuid4().hex}"
    await stage.cognito.admin_create_user(
        UserPoolId=stage.apps[app].pool_id, Username=username, TemporaryPassword=PASSWORD
    )
    begun = await stage.log_in(username, app)
    assert begun["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    return username, begun["Session"]


async def test_invited_user_sets_a_password(stage: Stage) -> None:
    """A temporary password buys the right to set a real one, with attributes."""
    username, session = await _invited(stage)
    new = {"NEW_PASSWORD": NEW, "userAttributes.name": "Alice"}
    answer = await _respond(stage, "NEW_PASSWORD_REQUIRED", session, username, "public", **new)
    access = answer["AuthenticationResult"]["AccessToken"]
    assert (await stage.attributes(access))["name"] == "Alice"
    assert await stage.tokens(username, password=NEW)


async def test_new_password_obeys_the_policy(stage: Stage) -> None:
    """A weak password is refused, and the session stays open."""
    username, session = await _invited(stage)
    challenge = ("NEW_PASSWORD_REQUIRED", session, username, "public")
    weak = _respond(stage, *challenge, NEW_PASSWORD="password")  # noqa: S106 -- what is tested
    assert await refusal_type(weak) == "InvalidPasswordException"
    assert await _respond(stage, *challenge, NEW_PASSWORD=NEW)


async def test_required_attributes_are_asked_for(stage: Stage) -> None:
    """What the pool requires and the invitation lacks comes with the new password."""
    username, session = await _invited(stage, "closed")
    challenge = ("NEW_PASSWORD_REQUIRED", session, username, "closed")
    assert await refusal_type(_respond(stage, *challenge, NEW_PASSWORD=NEW)) == (
        "InvalidParameterException"
    )
    given = {"NEW_PASSWORD": NEW, "userAttributes.nickname": "al"}
    assert await _respond(stage, *challenge, **given)


async def test_invited_user_of_a_strict_pool_sets_up_mfa_next(stage: Stage) -> None:
    """One challenge leads to the next."""
    username, session = await _invited(stage, "must_mfa")
    answer = await _respond(
        stage, "NEW_PASSWORD_REQUIRED", session, username, "must_mfa", NEW_PASSWORD=NEW
    )
    assert answer["ChallengeName"] == "MFA_SETUP"
