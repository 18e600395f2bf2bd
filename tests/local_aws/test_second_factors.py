"""Codes by SMS and by e-mail, and the choice between them, guard the second step."""

import json
import uuid
from typing import Any

import pytest

from local_aws.cognito import totp
from tests.local_aws.support import PASSWORD, Harness, refusal, refusal_type, wrong

ON: Any = {"Enabled": True}
PREFERRED: Any = {"Enabled": True, "PreferredMfa": True}
OFF: Any = {"Enabled": False}
SMS = ("SMSMfaSettings", "SMS_MFA", "SMS_MFA_CODE")
EMAIL = ("EmailMfaSettings", "EMAIL_OTP", "EMAIL_OTP_CODE")


def _phone() -> str:
    return f"+49{uuid.uuid4().int % 10**11:011}"


async def _member(harness: Harness, app: str = "codes") -> tuple[str, str]:
    username = await harness.member(app, phone_number=_phone())
    return username, (await harness.tokens(username, app))["AccessToken"]


async def _prefer(harness: Harness, access: str, **settings: Any) -> None:  # noqa: ANN401 -- botocore's
    await harness.cognito.set_user_mfa_preference(AccessToken=access, **settings)


@pytest.mark.parametrize(("member", "name", "response"), [SMS, EMAIL], ids=["sms", "email"])
async def test_code_is_the_second_step(
    harness: Harness, member: str, name: str, response: str
) -> None:
    """After the password comes the code that was sent, and once."""
    username, access = await _member(harness)
    await _prefer(harness, access, **{member: ON})
    begun = await harness.log_in(username, "codes")
    mail = harness.mail.last(username)
    assert begun["ChallengeName"] == name
    assert mail.purpose == "multi-factor authentication"
    shown = begun["ChallengeParameters"]
    assert shown["USER_ID_FOR_SRP"] == username
    assert shown["CODE_DELIVERY_DELIVERY_MEDIUM"] in name.replace("EMAIL_OTP", "EMAIL")
    assert "***" in shown["CODE_DELIVERY_DESTINATION"]
    guess = harness.respond(begun, username, "codes", **{response: wrong(mail.code)})
    assert await refusal(guess) == (
        "CodeMismatchException",
        "Invalid code or auth state for the user.",
    )
    answer = await harness.respond(begun, username, "codes", **{response: mail.code})
    assert answer["AuthenticationResult"]["AccessToken"]
    again = harness.respond(begun, username, "codes", **{response: mail.code})
    assert await refusal_type(again) == "NotAuthorizedException"


@pytest.mark.parametrize(("member", "name", "response"), [SMS, EMAIL], ids=["sms", "email"])
async def test_wrong_codes_lock_the_user_out(
    harness: Harness, member: str, name: str, response: str
) -> None:
    """Five wrong codes lock the user for a second, and the right password alone clears nothing."""
    username, access = await _member(harness)
    await _prefer(harness, access, **{member: ON})
    for _ in range(5):
        begun = await harness.log_in(username, "codes")
        assert begun["ChallengeName"] == name
        code = wrong(harness.mail.code(username))
        guess = harness.respond(begun, username, "codes", **{response: code})
        assert await refusal_type(guess) == "CodeMismatchException"
    right = {response: harness.mail.code(username)}
    locked = ("NotAuthorizedException", "Password attempts exceeded")
    assert await refusal(harness.respond(begun, username, "codes", **right)) == locked
    assert await refusal(harness.log_in(username, "codes")) == locked
    harness.clock.advance(1)
    await harness.respond(begun, username, "codes", **right)


async def test_wrong_codes_of_an_app_lock_the_user_out(harness: Harness) -> None:
    """The codes of an authenticator app are counted as those that are sent."""
    username, access, secret = await harness.enrolled("codes")
    await _prefer(harness, access, SoftwareTokenMfaSettings=ON)
    begun = await harness.log_in(username, "codes")
    right = totp.code_at(secret, int(harness.clock.seconds) // totp.STEP_S)
    for _ in range(5):
        guess = harness.respond(begun, username, "codes", SOFTWARE_TOKEN_MFA_CODE=wrong(right))
        assert await refusal_type(guess) == "CodeMismatchException"
    guess = harness.respond(begun, username, "codes", SOFTWARE_TOKEN_MFA_CODE=right)
    assert (await refusal(guess))[1] == "Password attempts exceeded"


async def test_second_step_is_not_a_first_one(harness: Harness) -> None:
    """A code by e-mail that signs in is another challenge than the one after the password."""
    username, access = await _member(harness, "choice")
    first = await harness.begin(username, PREFERRED_CHALLENGE="EMAIL_OTP")
    await _prefer(harness, access, EmailMfaSettings=ON)
    answer = await harness.respond(first, username, EMAIL_OTP_CODE=harness.mail.code(username))
    assert answer["ChallengeName"] == "EMAIL_OTP"
    assert "AuthenticationResult" not in answer
    await harness.respond(answer, username, EMAIL_OTP_CODE=harness.mail.code(username))


async def test_code_by_sms_verifies_the_number(harness: Harness) -> None:
    """A number that was not verified is so after the code came back."""
    username, access = await _member(harness)
    await _prefer(harness, access, SMSMfaSettings=ON)
    begun = await harness.log_in(username, "codes")
    await harness.respond(begun, username, "codes", SMS_MFA_CODE=harness.mail.code(username))
    assert (await harness.attributes(access))["phone_number_verified"] == "true"


async def test_preferences_are_shown(harness: Harness) -> None:
    """What is switched on and what is preferred is told to the user and to administrators."""
    username, access = await _member(harness)
    pool_id = harness.apps["codes"].pool_id
    await _prefer(harness, access, SMSMfaSettings=ON, EmailMfaSettings=PREFERRED)
    expected = {"UserMFASettingList": ["SMS_MFA", "EMAIL_OTP"], "PreferredMfaSetting": "EMAIL_OTP"}
    for shown in (
        await harness.cognito.get_user(AccessToken=access),
        await harness.cognito.get_user_auth_factors(AccessToken=access),
        await harness.cognito.admin_get_user(UserPoolId=pool_id, Username=username),
    ):
        assert {name: dict(shown)[name] for name in expected} == expected


async def test_preferred_factor_is_asked_for(harness: Harness) -> None:
    """Of several factors the preferred one is asked for, and a new preference replaces the old."""
    username, access = await _member(harness)
    await _prefer(harness, access, SMSMfaSettings=ON, EmailMfaSettings=PREFERRED)
    assert (await harness.log_in(username, "codes"))["ChallengeName"] == "EMAIL_OTP"
    await _prefer(harness, access, SMSMfaSettings=PREFERRED)
    assert (await harness.log_in(username, "codes"))["ChallengeName"] == "SMS_MFA"
    await _prefer(harness, access, SMSMfaSettings=OFF)
    assert (await harness.log_in(username, "codes"))["ChallengeName"] == "EMAIL_OTP"
    assert "PreferredMfaSetting" not in await harness.cognito.get_user(AccessToken=access)


@pytest.mark.parametrize("factor", ["SMS_MFA", "EMAIL_OTP", "SOFTWARE_TOKEN_MFA"])
async def test_user_chooses_where_none_is_preferred(harness: Harness, factor: str) -> None:
    """Several factors without a preference are offered, and the chosen one is asked for."""
    username, access, secret = await harness.enrolled("codes")
    await harness.cognito.update_user_attributes(
        AccessToken=access, UserAttributes=[{"Name": "phone_number", "Value": _phone()}]
    )
    await _prefer(
        harness, access, SMSMfaSettings=ON, EmailMfaSettings=ON, SoftwareTokenMfaSettings=ON
    )
    begun = await harness.log_in(username, "codes")
    assert begun["ChallengeName"] == "SELECT_MFA_TYPE"
    offered = json.loads(begun["ChallengeParameters"]["MFAS_CAN_CHOOSE"])
    assert offered == ["SMS_MFA", "EMAIL_OTP", "SOFTWARE_TOKEN_MFA"]
    asked = await harness.respond(begun, username, "codes", ANSWER=factor)
    assert asked["ChallengeName"] == factor
    code = harness.mail.code(username)
    if factor == "SOFTWARE_TOKEN_MFA":
        code = totp.code_at(secret, int(harness.clock.seconds) // totp.STEP_S)
    answer = await harness.respond(asked, username, "codes", **{f"{factor}_CODE": code})
    assert answer["AuthenticationResult"]["AccessToken"]


async def test_choice_that_was_not_offered_is_refused(harness: Harness) -> None:
    """What is not switched on cannot be chosen."""
    username, access = await _member(harness)
    await _prefer(harness, access, SMSMfaSettings=ON, EmailMfaSettings=ON)
    begun = await harness.log_in(username, "codes")
    chosen = harness.respond(begun, username, "codes", ANSWER="SOFTWARE_TOKEN_MFA")
    assert await refusal_type(chosen) == "InvalidParameterException"
    assert await harness.respond(begun, username, "codes", ANSWER="SMS_MFA")


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
    harness: Harness, settings: dict[str, Any]
) -> None:
    """A refusal changes nothing."""
    access = (await harness.tokens(await harness.member("codes"), "codes"))["AccessToken"]
    refused = _prefer(harness, access, **{"EmailMfaSettings": PREFERRED, **settings})
    assert await refusal_type(refused) == "InvalidParameterException"
    assert "UserMFASettingList" not in await harness.cognito.get_user(AccessToken=access)


async def test_factor_without_its_address_is_not_asked_for(harness: Harness) -> None:
    """Where the number is gone, no code can be sent."""
    username, access = await _member(harness)
    await _prefer(harness, access, SMSMfaSettings=ON)
    await harness.cognito.delete_user_attributes(
        AccessToken=access, UserAttributeNames=["phone_number"]
    )
    assert await harness.tokens(username, "codes")


async def test_administrator_sets_preferences(harness: Harness) -> None:
    """Administrators switch factors by the same rules."""
    username, access = await _member(harness)
    pool_id = harness.apps["codes"].pool_id
    await harness.cognito.admin_set_user_mfa_preference(
        UserPoolId=pool_id, Username=username, EmailMfaSettings=ON
    )
    assert (await harness.log_in(username, "codes"))["ChallengeName"] == "EMAIL_OTP"
    assert (await harness.cognito.get_user(AccessToken=access))["UserMFASettingList"] == [
        "EMAIL_OTP"
    ]
    unknown = harness.cognito.admin_set_user_mfa_preference(
        UserPoolId=pool_id, Username="nobody", EmailMfaSettings=ON
    )
    assert await refusal_type(unknown) == "UserNotFoundException"


async def test_pool_that_insists_takes_the_addresses(harness: Harness) -> None:
    """Where a second factor is a must, the addresses are ones, without being switched on."""
    username = await harness.member("must_codes")
    begun = await harness.log_in(username, "must_codes")
    assert begun["ChallengeName"] == "EMAIL_OTP"
    code = harness.mail.code(username)
    answer = await harness.respond(begun, username, "must_codes", EMAIL_OTP_CODE=code)
    access = answer["AuthenticationResult"]["AccessToken"]
    await _prefer(harness, access, EmailMfaSettings=ON)
    refused = _prefer(harness, access, EmailMfaSettings=OFF)
    assert await refusal_type(refused) == "InvalidParameterException"
    await _prefer(harness, access, SMSMfaSettings=OFF)
    reachable = await harness.member("must_codes", phone_number=_phone())
    begun = await harness.log_in(reachable, "must_codes")
    assert begun["ChallengeName"] == "SELECT_MFA_TYPE"


async def test_pool_that_insists_on_what_is_lacking_says_what(harness: Harness) -> None:
    """Who has no address is told what the pool would take."""
    username = f"user-{uuid.uuid4().hex}"
    app = harness.apps["must_codes"]
    await harness.cognito.sign_up(ClientId=app.client_id, Username=username, Password=PASSWORD)
    await harness.cognito.admin_confirm_sign_up(UserPoolId=app.pool_id, Username=username)
    begun = await harness.log_in(username, "must_codes")
    assert begun["ChallengeName"] == "MFA_SETUP"
    lacking = json.loads(begun["ChallengeParameters"]["MFAS_CAN_SETUP"])
    assert lacking == ["SMS_MFA", "EMAIL_OTP"]
