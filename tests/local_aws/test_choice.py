"""Whoever signs in chooses how, among what the pool allows and the user has."""

import uuid

import pytest

from tests.local_aws.support import PASSWORD, Stage, refusal, refusal_type, wrong

INVALID_SESSION = ("NotAuthorizedException", "Invalid session for the user.")
MISMATCH = ("CodeMismatchException", "Invalid code or auth state for the user.")
NEW = "N3wpassw0rd!"
GUESS = {"PASSWORD": "Guessed1!"}
RIGHT = {"PASSWORD": PASSWORD}


def _phone() -> str:
    return f"+49{uuid.uuid4().int % 10**11:011}"


async def test_choice_is_offered(stage: Stage) -> None:
    """Without a preference the user chooses, among what both pool and user have."""
    username = await stage.member("choice")
    begun = await stage.begin(username)
    assert begun["ChallengeName"] == "SELECT_CHALLENGE"
    assert begun["AvailableChallenges"] == ["PASSWORD", "EMAIL_OTP"]
    assert begun["ChallengeParameters"] == {}
    access = (await stage.tokens(username, "choice"))["AccessToken"]
    factors = await stage.cognito.get_user_auth_factors(AccessToken=access)
    assert factors["ConfiguredUserAuthFactors"] == begun["AvailableChallenges"]


@pytest.mark.parametrize("preferred", ["SMS_OTP", "WEB_AUTHN"])
async def test_preference_that_the_user_lacks_is_no_error(stage: Stage, preferred: str) -> None:
    """Where the preferred factor cannot be used, the user chooses."""
    begun = await stage.begin(await stage.member("choice"), PREFERRED_CHALLENGE=preferred)
    assert begun["ChallengeName"] == "SELECT_CHALLENGE"


@pytest.mark.parametrize(
    ("name", "error"),
    [("BOGUS", "InvalidParameterException"), ("PASSWORD_SRP", "UnsupportedOperationException")],
)
async def test_factor_that_does_not_exist_is_refused(stage: Stage, name: str, error: str) -> None:
    """A name that is none is no preference, and no choice either."""
    username = await stage.member("choice")
    begun = await stage.begin(username)
    assert await refusal_type(stage.begin(username, PREFERRED_CHALLENGE=name)) == error
    assert await refusal_type(stage.respond(begun, username, ANSWER=name)) == error


async def test_choice_that_was_not_offered_is_refused(stage: Stage) -> None:
    """What is not available cannot be chosen, and the session survives the mistake."""
    username = await stage.member("choice")
    begun = await stage.begin(username)
    refused = stage.respond(begun, username, ANSWER="SMS_OTP")
    assert await refusal_type(refused) == "InvalidParameterException"
    assert await stage.respond(begun, username, ANSWER="PASSWORD")


async def test_password_is_chosen_and_then_asked_for(stage: Stage) -> None:
    """The choice has a challenge of its own, which survives a wrong password."""
    username = await stage.member("choice")
    asked = await stage.respond(await stage.begin(username), username, ANSWER="PASSWORD")
    assert asked["ChallengeName"] == "PASSWORD"
    assert await refusal(stage.respond(asked, username, **GUESS)) == (
        "NotAuthorizedException",
        "Incorrect username or password.",
    )
    answer = await stage.respond(asked, username, **RIGHT)
    assert await stage.attributes(answer["AuthenticationResult"]["AccessToken"])
    assert await refusal(stage.respond(asked, username, **RIGHT)) == INVALID_SESSION


async def test_password_can_come_with_the_choice(stage: Stage) -> None:
    """Choice and password in one call sign in."""
    username = await stage.member("choice")
    begun = await stage.begin(username)
    wrong_one = stage.respond(begun, username, ANSWER="PASSWORD", **GUESS)
    assert await refusal_type(wrong_one) == "NotAuthorizedException"
    answer = await stage.respond(begun, username, ANSWER="PASSWORD", **RIGHT)
    assert answer["AuthenticationResult"]["RefreshToken"]


async def test_password_can_come_with_the_preference(stage: Stage) -> None:
    """A preferred password that comes along signs in at once; one that doesn't is asked for."""
    username = await stage.member("choice")
    preferred = {"PREFERRED_CHALLENGE": "PASSWORD"}
    answer = await stage.begin(username, **preferred, **RIGHT)
    assert answer["AuthenticationResult"]["IdToken"]
    refused = stage.begin(username, **preferred, **GUESS)
    assert await refusal_type(refused) == "NotAuthorizedException"
    assert (await stage.begin(username, **preferred))["ChallengeName"] == "PASSWORD"
    assert (await stage.begin(username, **RIGHT))["ChallengeName"] == "SELECT_CHALLENGE"


async def test_code_by_email_signs_in(stage: Stage) -> None:
    """The code goes to the address, which is shown masked."""
    username = await stage.member("choice")
    begun = await stage.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    assert begun["ChallengeName"] == "EMAIL_OTP"
    assert begun["ChallengeParameters"] == {
        "CODE_DELIVERY_DELIVERY_MEDIUM": "EMAIL",
        "CODE_DELIVERY_DESTINATION": "u***@e***",
    }
    mail = stage.mail.last(username)
    assert (mail.purpose, mail.attribute) == ("sign-in", "email")
    assert mail.destination == f"{username}@example.com"
    guess = stage.respond(begun, username, EMAIL_OTP_CODE=wrong(mail.code))
    assert await refusal(guess) == MISMATCH
    answer = await stage.respond(begun, username, EMAIL_OTP_CODE=mail.code)
    assert answer["AuthenticationResult"]["AccessToken"]
    again = stage.respond(begun, username, EMAIL_OTP_CODE=mail.code)
    assert await refusal(again) == INVALID_SESSION


async def test_code_by_sms_signs_in(stage: Stage) -> None:
    """A phone number can be chosen too; the code that came back proves that it is the user's."""
    phone = _phone()
    username = await stage.member("choice", phone_number=phone)
    begun = await stage.begin(username)
    assert begun["AvailableChallenges"] == ["PASSWORD", "EMAIL_OTP", "SMS_OTP"]
    asked = await stage.respond(begun, username, ANSWER="SMS_OTP")
    assert asked["ChallengeName"] == "SMS_OTP"
    assert asked["ChallengeParameters"] == {
        "CODE_DELIVERY_DELIVERY_MEDIUM": "SMS",
        "CODE_DELIVERY_DESTINATION": f"+*******{phone[-4:]}",
    }
    answer = await stage.respond(asked, username, SMS_OTP_CODE=stage.mail.code(username))
    access = answer["AuthenticationResult"]["AccessToken"]
    assert (await stage.attributes(access))["phone_number_verified"] == "true"


async def test_code_proves_no_other_address(stage: Stage) -> None:
    """An address that changed after the code was sent is not verified by it."""
    username = await stage.member("choice", phone_number=_phone())
    access = (await stage.tokens(username, "choice"))["AccessToken"]
    begun = await stage.begin(username, PREFERRED_CHALLENGE="SMS_OTP")
    await stage.cognito.update_user_attributes(
        AccessToken=access, UserAttributes=[{"Name": "phone_number", "Value": _phone()}]
    )
    await stage.respond(begun, username, SMS_OTP_CODE=stage.mail.code(username))
    assert (await stage.attributes(access))["phone_number_verified"] == "false"


async def test_address_of_another_user_is_not_taken_over(stage: Stage) -> None:
    """An alias is one user's: another one's code does not make it theirs."""
    email = f"{await stage.member('choice')}@example.com"
    username = f"user-{uuid.uuid4().hex}"
    pool_id = stage.apps["choice"].pool_id
    await stage.cognito.admin_create_user(
        UserPoolId=pool_id,
        Username=username,
        TemporaryPassword=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": email}],
    )
    begun = await stage.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    answer = stage.respond(begun, username, EMAIL_OTP_CODE=stage.mail.code(username))
    assert await refusal_type(answer) == "AliasExistsException"


async def test_each_sign_in_has_its_own_code(stage: Stage) -> None:
    """A code opens the session that it was sent for."""
    username = await stage.member("choice")
    first = await stage.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    code = stage.mail.code(username)
    second = await stage.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    if stage.mail.code(username) != code:  # in one of a million they are the same
        assert await refusal(stage.respond(second, username, EMAIL_OTP_CODE=code)) == MISMATCH
    assert await stage.respond(first, username, EMAIL_OTP_CODE=code)


async def test_session_belongs_to_one_user_and_client(stage: Stage) -> None:
    """Neither another user nor another client can answer."""
    alice, bob = await stage.member("choice"), await stage.member("choice")
    begun = await stage.begin(alice, PREFERRED_CHALLENGE="PASSWORD")
    assert await refusal(stage.respond(begun, bob, **RIGHT)) == INVALID_SESSION
    assert await refusal(stage.respond(begun, alice, "choice_hiding", **RIGHT)) == INVALID_SESSION


async def test_session_expires(stage: Stage) -> None:
    """A code that was sent is good for three minutes."""
    username = await stage.member("choice")
    begun = await stage.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    stage.clock.advance(180)
    assert await refusal(
        stage.respond(begun, username, EMAIL_OTP_CODE=stage.mail.code(username))
    ) == ("NotAuthorizedException", "Invalid session for the user, session is expired.")


async def test_client_with_a_secret_proves_it(stage: Stage) -> None:
    """The flow and its answers take the hash of the name as it is typed."""
    app = stage.apps["choice_secret"]
    username = await stage.member("choice")
    proof = {"SECRET_HASH": app.hash(username)}
    assert await refusal_type(stage.begin(username, "choice_secret")) == "NotAuthorizedException"
    begun = await stage.begin(username, "choice_secret", PREFERRED_CHALLENGE="PASSWORD", **proof)
    answer = await stage.respond(begun, username, "choice_secret", **RIGHT, **proof)
    assert answer["AuthenticationResult"]["AccessToken"]


async def test_second_factor_goes_with_the_password(stage: Stage) -> None:
    """Who has a second factor begins with the password; a code in place of it does not skip it."""
    username, access, _ = await stage.enrolled("choice")
    code = await stage.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    await stage.cognito.set_user_mfa_preference(
        AccessToken=access, SoftwareTokenMfaSettings={"Enabled": True}
    )
    begun = await stage.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    assert begun["AvailableChallenges"] == ["PASSWORD"]
    next_one = await stage.respond(begun, username, ANSWER="PASSWORD", **RIGHT)
    assert next_one["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    next_one = await stage.respond(code, username, EMAIL_OTP_CODE=stage.mail.code(username))
    assert next_one["ChallengeName"] == "SOFTWARE_TOKEN_MFA"


async def test_unconfirmed_user_is_told_only_with_the_code(stage: Stage) -> None:
    """Whoever has not proven anything learns nothing."""
    username = await stage.sign_up("choice")
    begun = await stage.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    code = stage.mail.code(username)
    guess = stage.respond(begun, username, EMAIL_OTP_CODE=wrong(code))
    assert await refusal(guess) == MISMATCH
    told = stage.respond(begun, username, EMAIL_OTP_CODE=code)
    assert await refusal_type(told) == "UserNotConfirmedException"


async def test_disabled_user_gets_no_code(stage: Stage) -> None:
    """A disabled user is asked as everybody is, but nothing is sent."""
    username = await stage.member("choice")
    pool_id = stage.apps["choice"].pool_id
    early = await stage.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    code = stage.mail.code(username)
    await stage.cognito.admin_disable_user(UserPoolId=pool_id, Username=username)
    before = stage.mail.count(username)
    late = await stage.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    assert late["ChallengeName"] == "EMAIL_OTP"
    assert stage.mail.count(username) == before
    guess = stage.respond(early, username, EMAIL_OTP_CODE=wrong(code))
    assert await refusal(guess) == MISMATCH
    assert await refusal(stage.respond(early, username, EMAIL_OTP_CODE=code)) == (
        "NotAuthorizedException",
        "User is disabled.",
    )


async def test_voided_password_must_be_reset_first(stage: Stage) -> None:
    """A code by e-mail does not get round the reset that an administrator asks for."""
    username = await stage.member("choice")
    pool_id = stage.apps["choice"].pool_id
    begun = await stage.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    code = stage.mail.code(username)
    await stage.cognito.admin_reset_user_password(UserPoolId=pool_id, Username=username)
    answer = stage.respond(begun, username, EMAIL_OTP_CODE=code)
    assert await refusal_type(answer) == "PasswordResetRequiredException"


async def _without_password(stage: Stage) -> str:
    username = f"user-{uuid.uuid4().hex}"
    await stage.cognito.sign_up(
        ClientId=stage.apps["choice"].client_id,
        Username=username,
        UserAttributes=[{"Name": "email", "Value": f"{username}@example.com"}],
    )
    await stage.confirm(username, "choice")
    return username


async def test_user_may_have_no_password(stage: Stage) -> None:
    """Where codes sign in, a password can be left out, and be set later."""
    username = await _without_password(stage)
    assert await refusal_type(stage.log_in(username, "choice")) == "NotAuthorizedException"
    begun = await stage.begin(username)
    assert begun["AvailableChallenges"] == ["EMAIL_OTP"]
    asked = await stage.respond(begun, username, ANSWER="EMAIL_OTP")
    answer = await stage.respond(asked, username, EMAIL_OTP_CODE=stage.mail.code(username))
    access = answer["AuthenticationResult"]["AccessToken"]
    await stage.cognito.change_password(AccessToken=access, ProposedPassword=NEW)
    assert await stage.tokens(username, "choice", NEW)


async def test_second_factor_of_a_user_without_password_is_asked_for(stage: Stage) -> None:
    """Who has no password to go with the second factor gives it after the code."""
    username = await _without_password(stage)
    begun = await stage.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    answer = await stage.respond(begun, username, EMAIL_OTP_CODE=stage.mail.code(username))
    await stage.cognito.set_user_mfa_preference(
        AccessToken=answer["AuthenticationResult"]["AccessToken"],
        EmailMfaSettings={"Enabled": True},
    )
    begun = await stage.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    second = await stage.respond(begun, username, EMAIL_OTP_CODE=stage.mail.code(username))
    assert second["ChallengeName"] == "EMAIL_OTP"
    assert "USER_ID_FOR_SRP" in second["ChallengeParameters"]


async def _signed_up(stage: Stage, app: str = "choice") -> tuple[str, str]:
    username = f"user-{uuid.uuid4().hex}"
    answer = await stage.cognito.sign_up(
        ClientId=stage.apps[app].client_id,
        Username=username,
        Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": f"{username}@example.com"}],
    )
    return username, answer.get("Session", "")


async def _confirmed(stage: Stage, username: str, session: str) -> str:
    answer = await stage.cognito.confirm_sign_up(
        ClientId=stage.apps["choice"].client_id,
        Username=username,
        ConfirmationCode=stage.mail.code(username),
        Session=session,
    )
    return answer["Session"]


async def _begin_after(stage: Stage, username: str, session: str, app: str = "choice") -> str:
    answer = await stage.cognito.initiate_auth(
        ClientId=stage.apps[app].client_id,
        AuthFlow="USER_AUTH",
        AuthParameters={"USERNAME": username},
        Session=session,
    )
    return answer["AuthenticationResult"]["AccessToken"]


async def test_sign_up_leads_on_to_the_sign_in(stage: Stage) -> None:
    """The code that confirmed counts for the sign-in that follows, once."""
    username, session = await _signed_up(stage)
    confirmed = await _confirmed(stage, username, session)
    assert await stage.attributes(await _begin_after(stage, username, confirmed))
    assert await refusal(_begin_after(stage, username, confirmed)) == INVALID_SESSION


async def test_session_of_a_sign_up_is_for_its_user(stage: Stage) -> None:
    """A session confirms and signs in the user and the client that it was given to."""
    username, session = await _signed_up(stage)
    other, others = await _signed_up(stage)
    assert await refusal(_confirmed(stage, username, others)) == INVALID_SESSION
    assert await refusal(_begin_after(stage, username, session)) == INVALID_SESSION
    confirmed = await _confirmed(stage, username, session)
    assert await refusal(_begin_after(stage, other, confirmed)) == INVALID_SESSION
    elsewhere = _begin_after(stage, username, confirmed, "choice_hiding")
    assert await refusal(elsewhere) == INVALID_SESSION


async def test_client_without_choice_gets_no_session(stage: Stage) -> None:
    """What could not be used is not given."""
    assert (await _signed_up(stage, "public"))[1] == ""
