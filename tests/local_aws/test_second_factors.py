"""Codes by SMS and by e-mail, and the choice between them, guard the second step."""

import json
import uuid
from typing import Any

import pytest

from local_aws.cognito import totp
from tests.local_aws.support import PASSWORD, Stage, refusal, refusal_type, wrong

ON: Any = {"Enabled": True}
PREFERRED: Any = {"Enabled": True, "PreferredMfa": True}
OFF: Any = {"Enabled": False}
SMS = ("SMSMfaSettings", "SMS_MFA", "SMS_MFA_CODE")
EMAIL = ("EmailMfaSettings", "EMAIL_OTP", "EMAIL_OTP_CODE")


def _phone() -> str:
    return f"+49{uuid.uuid4().int % 10**11:011}"


async def _member(stage: Stage, app: str = "codes") -> tuple[str, str]:
    username = await stage.member(app, phone_number=_phone())
    return username, (await stage.tokens(username, app))["AccessToken"]


async def _prefer(stage: Stage, access: str, **settings: Any) -> None:  # noqa: ANN401 -- botocore's
    await stage.cognito.set_user_mfa_preference(AccessToken=access, **settings)


@pytest.mark.parametrize(("member", "name", "response"), [SMS, EMAIL], ids=["sms", "email"])
async def test_code_is_the_second_step(stage: Stage, member: str, name: str, response: str) -> None:
    """After the password comes the code that was sent, and once."""
    username, access = await _member(stage)
    await _prefer(stage, access, **{member: ON})
    begun = await stage.log_in(username, "codes")
    mail = stage.mail.last(username)
    assert begun["ChallengeName"] == name
    assert mail.purpose == "multi-factor authentication"
    shown = begun["ChallengeParameters"]
    assert shown["USER_ID_FOR_SRP"] == username
    assert shown["CODE_DELIVERY_DELIVERY_MEDIUM"] in name.replace("EMAIL_OTP", "EMAIL")
    assert "***" in shown["CODE_DELIVERY_DESTINATION"]
    guess = stage.respond(begun, username, "codes", **{response: wrong(mail.code)})
    assert await refusal(guess) == (
        "CodeMismatchException",
        "Invalid code or auth state for the user.",
    )
    answer = await stage.respond(begun, username, "codes", **{response: mail.code})
    assert answer["AuthenticationResult"]["AccessToken"]
    again = stage.respond(begun, username, "codes", **{response: mail.code})
    assert await refusal_type(again) == "NotAuthorizedException"


@pytest.mark.parametrize(("member", "name", "response"), [SMS, EMAIL], ids=["sms", "email"])
async def test_wrong_codes_lock_the_user_out(
    stage: Stage, member: str, name: str, response: str
) -> None:
    """Five wrong codes lock the user for a second, and the right password alone clears nothing."""
    username, access = await _member(stage)
    await _prefer(stage, access, **{member: ON})
    for _ in range(5):
        begun = await stage.log_in(username, "codes")
        assert begun["ChallengeName"] == name
        code = wrong(stage.mail.code(username))
        guess = stage.respond(begun, username, "codes", **{response: code})
        assert await refusal_type(guess) == "CodeMismatchException"
    right = {response: stage.mail.code(username)}
    locked = ("NotAuthorizedException", "Password attempts exceeded")
    assert await refusal(stage.respond(begun, username, "codes", **right)) == locked
    assert await refusal(stage.log_in(username, "codes")) == locked
    stage.clock.advance(1)
    await stage.respond(begun, username, "codes", **right)


async def test_wrong_codes_of_an_app_lock_the_user_out(stage: Stage) -> None:
    """The codes of an authenticator app are counted as those that are sent."""
    username, access, secret = await stage.enrolled("codes")
    await _prefer(stage, access, SoftwareTokenMfaSettings=ON)
    begun = await stage.log_in(username, "codes")
    right = totp.code_at(secret, int(stage.clock.seconds) // totp.STEP_S)
    for _ in range(5):
        guess = stage.respond(begun, username, "codes", SOFTWARE_TOKEN_MFA_CODE=wrong(right))
        assert await refusal_type(guess) == "CodeMismatchException"
    guess = stage.respond(begun, username, "codes", SOFTWARE_TOKEN_MFA_CODE=right)
    assert (await refusal(guess))[1] == "Password attempts exceeded"


async def test_second_step_is_not_a_first_one(stage: Stage) -> None:
    """A code by e-mail that signs in is another challenge than the one after the password."""
    username, access = await _member(stage, "choice")
    first = await stage.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    await _prefer(stage, access, EmailMfaSettings=ON)
    answer = await stage.respond(first, username, EMAIL_OTP_CODE=stage.mail.code(username))
    assert answer["ChallengeName"] == "EMAIL_OTP"
    assert "AuthenticationResult" not in answer
    await stage.respond(answer, username, EMAIL_OTP_CODE=stage.mail.code(username))


async def test_code_by_sms_verifies_the_number(stage: Stage) -> None:
    """A number that was not verified is so after the code came back."""
    username, access = await _member(stage)
    await _prefer(stage, access, SMSMfaSettings=ON)
    begun = await stage.log_in(username, "codes")
    await stage.respond(begun, username, "codes", SMS_MFA_CODE=stage.mail.code(username))
    assert (await stage.attributes(access))["phone_number_verified"] == "true"


async def test_preferences_are_shown(stage: Stage) -> None:
    """What is switched on and what is preferred is told to the user and to administrators."""
    username, access = await _member(stage)
    pool_id = stage.apps["codes"].pool_id
    await _prefer(stage, access, SMSMfaSettings=ON, EmailMfaSettings=PREFERRED)
    expected = {"UserMFASettingList": ["SMS_MFA", "EMAIL_OTP"], "PreferredMfaSetting": "EMAIL_OTP"}
    for shown in (
        await stage.cognito.get_user(AccessToken=access),
        await stage.cognito.get_user_auth_factors(AccessToken=access),
        await stage.cognito.admin_get_user(UserPoolId=pool_id, Username=username),
    ):
        assert {name: dict(shown)[name] for name in expected} == expected


async def test_preferred_factor_is_asked_for(stage: Stage) -> None:
    """Of several factors the preferred one is asked for, and a new preference replaces the old."""
    username, access = await _member(stage)
    await _prefer(stage, access, SMSMfaSettings=ON, EmailMfaSettings=PREFERRED)
    assert (await stage.log_in(username, "codes"))["ChallengeName"] == "EMAIL_OTP"
    await _prefer(stage, access, SMSMfaSettings=PREFERRED)
    assert (await stage.log_in(username, "codes"))["ChallengeName"] == "SMS_MFA"
    await _prefer(stage, access, SMSMfaSettings=OFF)
    assert (await stage.log_in(username, "codes"))["ChallengeName"] == "EMAIL_OTP"
    assert "PreferredMfaSetting" not in await stage.cognito.get_user(AccessToken=access)


@pytest.mark.parametrize("factor", ["SMS_MFA", "EMAIL_OTP", "SOFTWARE_TOKEN_MFA"])
async def test_user_chooses_where_none_is_preferred(stage: Stage, factor: str) -> None:
    """Several factors without a preference are offered, and the chosen one is asked for."""
    username, access, secret = await stage.enrolled("codes")
    await stage.cognito.update_user_attributes(
        AccessToken=access, UserAttributes=[{"Name": "phone_number", "Value": _phone()}]
    )
    await _prefer(
        stage, access, SMSMfaSettings=ON, EmailMfaSettings=ON, SoftwareTokenMfaSettings=ON
    )
    begun = await stage.log_in(username, "codes")
    assert begun["ChallengeName"] == "SELECT_MFA_TYPE"
    offered = json.loads(begun["ChallengeParameters"]["MFAS_CAN_CHOOSE"])
    assert offered == ["SMS_MFA", "EMAIL_OTP", "SOFTWARE_TOKEN_MFA"]
    asked = await stage.respond(begun, username, "codes", ANSWER=factor)
    assert asked["ChallengeName"] == factor
    code = stage.mail.code(username)
    if factor == "SOFTWARE_TOKEN_MFA":
        code = totp.code_at(secret, int(stage.clock.seconds) // totp.STEP_S)
    answer = await stage.respond(asked, username, "codes", **{f"{factor}_CODE": code})
    assert answer["AuthenticationResult"]["AccessToken"]


async def test_choice_that_was_not_offered_is_refused(stage: Stage) -> None:
    """What is not switched on cannot be chosen."""
    username, access = await _member(stage)
    await _prefer(stage, access, SMSMfaSettings=ON, EmailMfaSettings=ON)
    begun = await stage.log_in(username, "codes")
    chosen = stage.respond(begun, username, "codes", ANSWER="SOFTWARE_TOKEN_MFA")
    assert await refusal_type(chosen) == "InvalidParameterException"
    assert await stage.respond(begun, username, "codes", ANSWER="SMS_MFA")


@pytest.mark.parametrize(
    "settings",
    [
        {"SMSMfaSettings": ON},
        {"SMSMfaSettings": PREFERRED, "EmailMfaSettings": PREFERRED},
        {"SoftwareTokenMfaSettings": ON},
    ],
    ids=["no number", "two preferred", "no token"],
)
async def test_preference_that_cannot_work_is_refused(
    stage: Stage, settings: dict[str, Any]
) -> None:
    """A refusal changes nothing."""
    access = (await stage.tokens(await stage.member("codes"), "codes"))["AccessToken"]
    refused = _prefer(stage, access, **{"EmailMfaSettings": PREFERRED, **settings})
    assert await refusal_type(refused) == "InvalidParameterException"
    assert "UserMFASettingList" not in await stage.cognito.get_user(AccessToken=access)


async def test_factor_without_its_address_is_not_asked_for(stage: Stage) -> None:
    """Where the number is gone, no code can be sent."""
    username, access = await _member(stage)
    await _prefer(stage, access, SMSMfaSettings=ON)
    await stage.cognito.delete_user_attributes(
        AccessToken=access, UserAttributeNames=["phone_number"]
    )
    assert await stage.tokens(username, "codes")


async def test_administrator_sets_preferences(stage: Stage) -> None:
    """Administrators switch factors by the same rules."""
    username, access = await _member(stage)
    pool_id = stage.apps["codes"].pool_id
    await stage.cognito.admin_set_user_mfa_preference(
        UserPoolId=pool_id, Username=username, EmailMfaSettings=ON
    )
    assert (await stage.log_in(username, "codes"))["ChallengeName"] == "EMAIL_OTP"
    assert (await stage.cognito.get_user(AccessToken=access))["UserMFASettingList"] == ["EMAIL_OTP"]
    unknown = stage.cognito.admin_set_user_mfa_preference(
        UserPoolId=pool_id, Username="nobody", EmailMfaSettings=ON
    )
    assert await refusal_type(unknown) == "UserNotFoundException"


async def test_pool_that_insists_takes_the_addresses(stage: Stage) -> None:
    """Where a second factor is a must, the addresses are ones, without being switched on."""
    username = await stage.member("must_codes")
    begun = await stage.log_in(username, "must_codes")
    assert begun["ChallengeName"] == "EMAIL_OTP"
    code = stage.mail.code(username)
    answer = await stage.respond(begun, username, "must_codes", EMAIL_OTP_CODE=code)
    access = answer["AuthenticationResult"]["AccessToken"]
    await _prefer(stage, access, EmailMfaSettings=ON)
    refused = _prefer(stage, access, EmailMfaSettings=OFF)
    assert await refusal_type(refused) == "InvalidParameterException"
    await _prefer(stage, access, SMSMfaSettings=OFF)
    reachable = await stage.member("must_codes", phone_number=_phone())
    begun = await stage.log_in(reachable, "must_codes")
    assert begun["ChallengeName"] == "SELECT_MFA_TYPE"


async def test_pool_that_insists_on_what_is_lacking_says_what(stage: Stage) -> None:
    """Who has no address is told what the pool would take."""
    username = f"user-{uuid.uuid4().hex}"
    app = stage.apps["must_codes"]
    await stage.cognito.sign_up(ClientId=app.client_id, Username=username, Password=PASSWORD)
    await stage.cognito.admin_confirm_sign_up(UserPoolId=app.pool_id, Username=username)
    begun = await stage.log_in(username, "must_codes")
    assert begun["ChallengeName"] == "MFA_SETUP"
    lacking = json.loads(begun["ChallengeParameters"]["MFAS_CAN_SETUP"])
    assert lacking == ["SMS_MFA", "EMAIL_OTP"]
