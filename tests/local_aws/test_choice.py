"""Whoever signs in chooses how, among what the pool allows and the user has."""

import uuid

import pytest

from tests.local_aws.support import PASSWORD, Harness, refusal, refusal_type, wrong

INVALID_SESSION = ("NotAuthorizedException", "Invalid session for the user.")
MISMATCH = ("CodeMismatchException", "Invalid code or auth state for the user.")
NEW = "N3wpassw0rd!"
GUESS = {"PASSWORD": "Guessed1!"}
RIGHT = {"PASSWORD": PASSWORD}


def _phone() -> str:
    return f"+49{uuid.uuid4().int % 10**11:011}"


async def test_choice_is_offered(harness: Harness) -> None:
    """Without a preference the user chooses, among what both pool and user have."""
    username = await harness.member("choice")
    begun = await harness.begin(username)
    assert begun["ChallengeName"] == "SELECT_CHALLENGE"
    assert begun["AvailableChallenges"] == ["PASSWORD_SRP", "PASSWORD", "EMAIL_OTP"]
    assert begun["ChallengeParameters"] == {}
    access = (await harness.tokens(username, "choice"))["AccessToken"]
    factors = await harness.cognito.get_user_auth_factors(AccessToken=access)
    assert factors["ConfiguredUserAuthFactors"] == ["PASSWORD", "EMAIL_OTP"]


@pytest.mark.parametrize("preferred", ["SMS_OTP", "WEB_AUTHN"])
async def test_preference_that_the_user_lacks_is_no_error(harness: Harness, preferred: str) -> None:
    """Where the preferred factor cannot be used, the user chooses."""
    begun = await harness.begin(await harness.member("choice"), PREFERRED_CHALLENGE=preferred)
    assert begun["ChallengeName"] == "SELECT_CHALLENGE"


async def test_factor_that_does_not_exist_is_refused(harness: Harness) -> None:
    """A name that is none is no preference, and no choice either."""
    username = await harness.member("choice")
    begun = await harness.begin(username)
    error = "InvalidParameterException"
    assert await refusal_type(harness.begin(username, PREFERRED_CHALLENGE="BOGUS")) == error
    assert await refusal_type(harness.respond(begun, username, ANSWER="BOGUS")) == error


async def test_choice_that_was_not_offered_is_refused(harness: Harness) -> None:
    """What is not available cannot be chosen, and the session survives the mistake."""
    username = await harness.member("choice")
    begun = await harness.begin(username)
    refused = harness.respond(begun, username, ANSWER="SMS_OTP")
    assert await refusal_type(refused) == "InvalidParameterException"
    assert await harness.respond(begun, username, ANSWER="PASSWORD")


async def test_password_is_chosen_and_then_asked_for(harness: Harness) -> None:
    """The choice has a challenge of its own, which survives a wrong password."""
    username = await harness.member("choice")
    asked = await harness.respond(await harness.begin(username), username, ANSWER="PASSWORD")
    assert asked["ChallengeName"] == "PASSWORD"
    assert await refusal(harness.respond(asked, username, **GUESS)) == (
        "NotAuthorizedException",
        "Incorrect username or password.",
    )
    answer = await harness.respond(asked, username, **RIGHT)
    assert await harness.attributes(answer["AuthenticationResult"]["AccessToken"])
    assert await refusal(harness.respond(asked, username, **RIGHT)) == INVALID_SESSION


async def test_password_can_come_with_the_choice(harness: Harness) -> None:
    """Choice and password in one call sign in."""
    username = await harness.member("choice")
    begun = await harness.begin(username)
    wrong_one = harness.respond(begun, username, ANSWER="PASSWORD", **GUESS)
    assert await refusal_type(wrong_one) == "NotAuthorizedException"
    answer = await harness.respond(begun, username, ANSWER="PASSWORD", **RIGHT)
    assert answer["AuthenticationResult"]["RefreshToken"]


async def test_password_can_come_with_the_preference(harness: Harness) -> None:
    """A preferred password that comes along signs in at once; one that doesn't is asked for."""
    username = await harness.member("choice")
    preferred = {"PREFERRED_CHALLENGE": "PASSWORD"}
    answer = await harness.begin(username, **preferred, **RIGHT)
    assert answer["AuthenticationResult"]["IdToken"]
    refused = harness.begin(username, **preferred, **GUESS)
    assert await refusal_type(refused) == "NotAuthorizedException"
    assert (await harness.begin(username, **preferred))["ChallengeName"] == "PASSWORD"
    assert (await harness.begin(username, **RIGHT))["ChallengeName"] == "SELECT_CHALLENGE"


async def test_code_by_email_signs_in(harness: Harness) -> None:
    """The code goes to the address, which is shown masked."""
    username = await harness.member("choice")
    begun = await harness.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    assert begun["ChallengeName"] == "EMAIL_OTP"
    assert begun["ChallengeParameters"] == {
        "CODE_DELIVERY_DELIVERY_MEDIUM": "EMAIL",
        "CODE_DELIVERY_DESTINATION": "u***@e***",
    }
    mail = harness.mail.last(username)
    assert (mail.purpose, mail.attribute) == ("sign-in", "email")
    assert mail.destination == f"{username}@example.com"
    guess = harness.respond(begun, username, EMAIL_OTP_CODE=wrong(mail.code))
    assert await refusal(guess) == MISMATCH
    answer = await harness.respond(begun, username, EMAIL_OTP_CODE=mail.code)
    assert answer["AuthenticationResult"]["AccessToken"]
    again = harness.respond(begun, username, EMAIL_OTP_CODE=mail.code)
    assert await refusal(again) == INVALID_SESSION


async def test_code_by_sms_signs_in(harness: Harness) -> None:
    """A phone number can be chosen too; the code that came back proves that it is the user's."""
    phone = _phone()
    username = await harness.member("choice", phone_number=phone)
    begun = await harness.begin(username)
    assert begun["AvailableChallenges"] == [*("PASSWORD_SRP", "PASSWORD", "EMAIL_OTP", "SMS_OTP")]
    asked = await harness.respond(begun, username, ANSWER="SMS_OTP")
    assert asked["ChallengeName"] == "SMS_OTP"
    assert asked["ChallengeParameters"] == {
        "CODE_DELIVERY_DELIVERY_MEDIUM": "SMS",
        "CODE_DELIVERY_DESTINATION": f"+*******{phone[-4:]}",
    }
    answer = await harness.respond(asked, username, SMS_OTP_CODE=harness.mail.code(username))
    access = answer["AuthenticationResult"]["AccessToken"]
    assert (await harness.attributes(access))["phone_number_verified"] == "true"


async def test_code_proves_no_other_address(harness: Harness) -> None:
    """An address that changed after the code was sent is not verified by it."""
    username = await harness.member("choice", phone_number=_phone())
    access = (await harness.tokens(username, "choice"))["AccessToken"]
    begun = await harness.begin(username, PREFERRED_CHALLENGE="SMS_OTP")
    await harness.cognito.update_user_attributes(
        AccessToken=access, UserAttributes=[{"Name": "phone_number", "Value": _phone()}]
    )
    await harness.respond(begun, username, SMS_OTP_CODE=harness.mail.code(username))
    assert (await harness.attributes(access))["phone_number_verified"] == "false"


async def test_address_of_another_user_is_not_taken_over(harness: Harness) -> None:
    """An alias is one user's: another one's code does not make it theirs."""
    email = f"{await harness.member('choice')}@example.com"
    username = f"user-{uuid.uuid4().hex}"
    pool_id = harness.apps["choice"].pool_id
    await harness.cognito.admin_create_user(
        UserPoolId=pool_id,
        Username=username,
        TemporaryPassword=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": email}],
    )
    begun = await harness.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    answer = harness.respond(begun, username, EMAIL_OTP_CODE=harness.mail.code(username))
    assert await refusal_type(answer) == "AliasExistsException"


async def test_each_sign_in_has_its_own_code(harness: Harness) -> None:
    """A code opens the session that it was sent for."""
    username = await harness.member("choice")
    first = await harness.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    code = harness.mail.code(username)
    second = await harness.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    if harness.mail.code(username) != code:  # in one of a million they are the same
        assert await refusal(harness.respond(second, username, EMAIL_OTP_CODE=code)) == MISMATCH
    assert await harness.respond(first, username, EMAIL_OTP_CODE=code)


async def test_session_belongs_to_one_user_and_client(harness: Harness) -> None:
    """Neither another user nor another client can answer."""
    alice, bob = await harness.member("choice"), await harness.member("choice")
    begun = await harness.begin(alice, PREFERRED_CHALLENGE="PASSWORD")
    assert await refusal(harness.respond(begun, bob, **RIGHT)) == INVALID_SESSION
    assert await refusal(harness.respond(begun, alice, "choice_hiding", **RIGHT)) == INVALID_SESSION


async def test_session_expires(harness: Harness) -> None:
    """A code that was sent is good for three minutes."""
    username = await harness.member("choice")
    begun = await harness.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    harness.clock.advance(180)
    assert await refusal(
        harness.respond(begun, username, EMAIL_OTP_CODE=harness.mail.code(username))
    ) == ("NotAuthorizedException", "Invalid session for the user, session is expired.")


async def test_client_with_a_secret_proves_it(harness: Harness) -> None:
    """The flow and its answers take the hash of the name as it is typed."""
    app = harness.apps["choice_secret"]
    username = await harness.member("choice")
    proof = {"SECRET_HASH": app.hash(username)}
    assert await refusal_type(harness.begin(username, "choice_secret")) == "NotAuthorizedException"
    begun = await harness.begin(username, "choice_secret", PREFERRED_CHALLENGE="PASSWORD", **proof)
    answer = await harness.respond(begun, username, "choice_secret", **RIGHT, **proof)
    assert answer["AuthenticationResult"]["AccessToken"]


async def test_second_factor_goes_with_the_password(harness: Harness) -> None:
    """Who has a second factor begins with the password; a code in place of it does not skip it."""
    username, access, _ = await harness.enrolled("choice")
    code = await harness.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    await harness.cognito.set_user_mfa_preference(
        AccessToken=access, SoftwareTokenMfaSettings={"Enabled": True}
    )
    begun = await harness.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    assert begun["AvailableChallenges"] == ["PASSWORD_SRP", "PASSWORD"]
    next_one = await harness.respond(begun, username, ANSWER="PASSWORD", **RIGHT)
    assert next_one["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    next_one = await harness.respond(code, username, EMAIL_OTP_CODE=harness.mail.code(username))
    assert next_one["ChallengeName"] == "SOFTWARE_TOKEN_MFA"


async def test_unconfirmed_user_is_told_only_with_the_code(harness: Harness) -> None:
    """Whoever has not proven anything learns nothing."""
    username = await harness.sign_up("choice")
    begun = await harness.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    code = harness.mail.code(username)
    guess = harness.respond(begun, username, EMAIL_OTP_CODE=wrong(code))
    assert await refusal(guess) == MISMATCH
    told = harness.respond(begun, username, EMAIL_OTP_CODE=code)
    assert await refusal_type(told) == "UserNotConfirmedException"


async def test_disabled_user_gets_no_code(harness: Harness) -> None:
    """A disabled user is asked as everybody is, but nothing is sent."""
    username = await harness.member("choice")
    pool_id = harness.apps["choice"].pool_id
    early = await harness.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    code = harness.mail.code(username)
    await harness.cognito.admin_disable_user(UserPoolId=pool_id, Username=username)
    before = harness.mail.count(username)
    late = await harness.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    assert late["ChallengeName"] == "EMAIL_OTP"
    assert harness.mail.count(username) == before
    guess = harness.respond(early, username, EMAIL_OTP_CODE=wrong(code))
    assert await refusal(guess) == MISMATCH
    assert await refusal(harness.respond(early, username, EMAIL_OTP_CODE=code)) == (
        "NotAuthorizedException",
        "User is disabled.",
    )


async def test_voided_password_must_be_reset_first(harness: Harness) -> None:
    """A code by e-mail does not get round the reset that an administrator asks for."""
    username = await harness.member("choice")
    pool_id = harness.apps["choice"].pool_id
    begun = await harness.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    code = harness.mail.code(username)
    await harness.cognito.admin_reset_user_password(UserPoolId=pool_id, Username=username)
    answer = harness.respond(begun, username, EMAIL_OTP_CODE=code)
    assert await refusal_type(answer) == "PasswordResetRequiredException"


async def _without_password(harness: Harness) -> str:
    username = f"user-{uuid.uuid4().hex}"
    await harness.cognito.sign_up(
        ClientId=harness.apps["choice"].client_id,
        Username=username,
        UserAttributes=[{"Name": "email", "Value": f"{username}@example.com"}],
    )
    await harness.confirm(username, "choice")
    return username


async def test_user_may_have_no_password(harness: Harness) -> None:
    """Where codes sign in, a password can be left out, and be set later."""
    username = await _without_password(harness)
    assert await refusal_type(harness.log_in(username, "choice")) == "NotAuthorizedException"
    begun = await harness.begin(username)
    assert begun["AvailableChallenges"] == ["EMAIL_OTP"]
    asked = await harness.respond(begun, username, ANSWER="EMAIL_OTP")
    answer = await harness.respond(asked, username, EMAIL_OTP_CODE=harness.mail.code(username))
    access = answer["AuthenticationResult"]["AccessToken"]
    await harness.cognito.change_password(AccessToken=access, ProposedPassword=NEW)
    assert await harness.tokens(username, "choice", NEW)


async def test_second_factor_of_a_user_without_password_is_asked_for(harness: Harness) -> None:
    """Who has no password to go with the second factor gives it after the code."""
    username = await _without_password(harness)
    begun = await harness.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    answer = await harness.respond(begun, username, EMAIL_OTP_CODE=harness.mail.code(username))
    await harness.cognito.set_user_mfa_preference(
        AccessToken=answer["AuthenticationResult"]["AccessToken"],
        EmailMfaSettings={"Enabled": True},
    )
    begun = await harness.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    second = await harness.respond(begun, username, EMAIL_OTP_CODE=harness.mail.code(username))
    assert second["ChallengeName"] == "EMAIL_OTP"
    assert "USER_ID_FOR_SRP" in second["ChallengeParameters"]


async def _signed_up(harness: Harness, app: str = "choice") -> tuple[str, str]:
    username = f"user-{uuid.uuid4().hex}"
    answer = await harness.cognito.sign_up(
        ClientId=harness.apps[app].client_id,
        Username=username,
        Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": f"{username}@example.com"}],
    )
    return username, answer.get("Session", "")


async def _confirmed(harness: Harness, username: str, session: str) -> str:
    answer = await harness.cognito.confirm_sign_up(
        ClientId=harness.apps["choice"].client_id,
        Username=username,
        ConfirmationCode=harness.mail.code(username),
        Session=session,
    )
    return answer["Session"]


async def _begin_after(harness: Harness, username: str, session: str, app: str = "choice") -> str:
    answer = await harness.cognito.initiate_auth(
        ClientId=harness.apps[app].client_id,
        AuthFlow="USER_AUTH",
        AuthParameters={"USERNAME": username},
        Session=session,
    )
    return answer["AuthenticationResult"]["AccessToken"]


async def test_sign_up_leads_on_to_the_sign_in(harness: Harness) -> None:
    """The code that confirmed counts for the sign-in that follows, once."""
    username, session = await _signed_up(harness)
    confirmed = await _confirmed(harness, username, session)
    assert await harness.attributes(await _begin_after(harness, username, confirmed))
    assert await refusal(_begin_after(harness, username, confirmed)) == INVALID_SESSION


async def test_session_of_a_sign_up_is_for_its_user(harness: Harness) -> None:
    """A session confirms and signs in the user and the client that it was given to."""
    username, session = await _signed_up(harness)
    other, others = await _signed_up(harness)
    assert await refusal(_confirmed(harness, username, others)) == INVALID_SESSION
    assert await refusal(_begin_after(harness, username, session)) == INVALID_SESSION
    confirmed = await _confirmed(harness, username, session)
    assert await refusal(_begin_after(harness, other, confirmed)) == INVALID_SESSION
    elsewhere = _begin_after(harness, username, confirmed, "choice_hiding")
    assert await refusal(elsewhere) == INVALID_SESSION


async def test_client_without_choice_gets_no_session(harness: Harness) -> None:
    """What could not be used is not given."""
    assert (await _signed_up(harness, "public"))[1] == ""
