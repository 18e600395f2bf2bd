"""Programs of users that were written against AWS run unchanged."""

from typing import Any

import jwt
import pytest

from tests.support.srp_client import SrpClient
from tests_slow.local_aws.boto3_programs import (
    NEW_PASSWORD,
    PASSWORD,
    SES,
    SMS,
    Program,
    refused,
)

WRONG_PASSWORD = ("NotAuthorizedException", "Incorrect username or password.")


def test_sign_up_and_recovery(program: Program) -> None:
    """A user signs up, gets codes again, resets and changes the password, and is deleted."""
    cognito = program.cognito
    _, client_id = program.app()
    named = {"ClientId": client_id, "Username": "alice"}
    email = [{"Name": "email", "Value": "alice@example.com"}]
    signed_up = cognito.sign_up(**named, Password=PASSWORD, UserAttributes=email)
    assert signed_up["UserConfirmed"] is False
    assert signed_up["CodeDeliveryDetails"] == {
        "Destination": "a***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    with refused("UsernameExistsException", "User already exists"):
        cognito.sign_up(**named, Password=PASSWORD, UserAttributes=email)
    with refused("UserNotConfirmedException", "User is not confirmed."):
        program.log_in(client_id, "alice")
    first = program.code("alice")
    assert cognito.resend_confirmation_code(**named)["CodeDeliveryDetails"]
    with refused("CodeMismatchException"):
        cognito.confirm_sign_up(**named, ConfirmationCode=first)
    cognito.confirm_sign_up(**named, ConfirmationCode=program.code("alice"))
    with refused("NotAuthorizedException", "User cannot be confirmed. Current status is CONFIRMED"):
        cognito.confirm_sign_up(**named, ConfirmationCode=first)

    sent = cognito.forgot_password(**named)["CodeDeliveryDetails"]
    assert sent["AttributeName"] == "email"
    code = {"ConfirmationCode": program.code("alice")}
    with refused("InvalidPasswordException"):
        cognito.confirm_forgot_password(**named, **code, Password="password")  # noqa: S106 -- weak
    cognito.confirm_forgot_password(**named, **code, Password=NEW_PASSWORD)
    with refused(*WRONG_PASSWORD):
        program.log_in(client_id, "alice")
    access = program.access_token(client_id, "alice", NEW_PASSWORD)
    cognito.change_password(
        AccessToken=access, PreviousPassword=NEW_PASSWORD, ProposedPassword=PASSWORD
    )
    cognito.delete_user(AccessToken=access)
    with refused("UserNotFoundException", "User does not exist."):
        program.log_in(client_id, "alice")


def test_own_attributes(program: Program) -> None:
    """A user reads, changes, verifies and deletes attributes."""
    cognito = program.cognito
    schema = [{"Name": "team", "AttributeDataType": "String", "Mutable": True}]
    _, client_id = program.app({"Schema": schema})
    username = program.user(client_id)
    access = program.access_token(client_id, username)
    new = [{"Name": "email", "Value": "new@example.com"}, {"Name": "custom:team", "Value": "blue"}]
    (sent,) = cognito.update_user_attributes(AccessToken=access, UserAttributes=new)[
        "CodeDeliveryDetailsList"
    ]
    cognito.get_user_attribute_verification_code(AccessToken=access, AttributeName="email")
    named = {"AccessToken": access, "AttributeName": "email"}
    before = _attributes(cognito, access)
    cognito.verify_user_attribute(**named, Code=program.code(username))
    cognito.delete_user_attributes(AccessToken=access, UserAttributeNames=["custom:team"])
    after = _attributes(cognito, access)

    assert sent["Destination"] == "n***@e***"
    assert (before["email_verified"], before["custom:team"]) == ("false", "blue")
    assert after == {"sub": before["sub"], "email": "new@example.com", "email_verified": "true"}


def _attributes(cognito: Any, access: str) -> dict[str, str]:  # noqa: ANN401 -- boto3 has no types
    shown = cognito.get_user(AccessToken=access)["UserAttributes"]
    return {attribute["Name"]: attribute["Value"] for attribute in shown}


@pytest.mark.parametrize(
    "way", ["SRP", "choice of a password", "choice of SRP", "choice of a code"]
)
def test_other_ways_to_sign_in(program: Program, way: str) -> None:
    """Each flow ends in tokens whose claims programs read."""
    cognito = program.cognito
    factors = {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]}
    pool_id, client_id = program.app({"Policies": {"SignInPolicy": factors}})
    username = program.user(client_id)
    srp, named = SrpClient(pool_id, PASSWORD), {"USERNAME": username}

    def begin(flow: str, **more: str) -> Any:  # noqa: ANN401 -- JSON
        return cognito.initiate_auth(
            ClientId=client_id, AuthFlow=flow, AuthParameters={**named, **more}
        )

    def respond(asked: Any, **answer: str) -> Any:  # noqa: ANN401 -- JSON
        session = {"Session": asked["Session"]} if "Session" in asked else {}
        return cognito.respond_to_auth_challenge(
            ClientId=client_id,
            ChallengeName=asked["ChallengeName"],
            ChallengeResponses={**named, **answer},
            **session,
        )

    if way == "SRP":
        asked = begin("USER_SRP_AUTH", SRP_A=srp.public)
        answer = respond(asked, **srp.answer(asked["ChallengeParameters"]))
    else:
        asked = begin("USER_AUTH")
        assert asked["AvailableChallenges"] == ["PASSWORD_SRP", "PASSWORD", "EMAIL_OTP"]
        if way == "choice of a password":
            answer = respond(asked, ANSWER="PASSWORD", PASSWORD=PASSWORD)
        elif way == "choice of SRP":
            asked = respond(asked, ANSWER="PASSWORD_SRP", SRP_A=srp.public)
            answer = respond(asked, **srp.answer(asked["ChallengeParameters"]))
        else:
            asked = respond(asked, ANSWER="EMAIL_OTP")
            answer = respond(asked, EMAIL_OTP_CODE=program.code(username))
    tokens = answer["AuthenticationResult"]
    claims = jwt.decode(tokens["AccessToken"], options={"verify_signature": False})
    assert (tokens["TokenType"], tokens["ExpiresIn"]) == ("Bearer", 3_600)
    assert (claims["username"], claims["client_id"]) == (username, client_id)
    assert claims["iss"] == f"https://cognito-idp.us-east-1.amazonaws.com/{pool_id}"


def test_refresh_and_sign_out(program: Program) -> None:
    """Tokens are refreshed by both operations, and end by RevokeToken and GlobalSignOut."""
    cognito = program.cognito
    _, client_id = program.app()
    username = program.user(client_id)
    tokens = program.log_in(client_id, username)["AuthenticationResult"]
    own = {"ClientId": client_id}
    refresh = {"AuthParameters": {"REFRESH_TOKEN": tokens["RefreshToken"]}}
    refreshed = cognito.initiate_auth(**own, AuthFlow="REFRESH_TOKEN_AUTH", **refresh)
    assert "RefreshToken" not in refreshed["AuthenticationResult"]
    assert cognito.get_tokens_from_refresh_token(**own, RefreshToken=tokens["RefreshToken"])
    cognito.revoke_token(**own, Token=tokens["RefreshToken"])
    with refused("NotAuthorizedException", "Access Token has been revoked"):
        cognito.get_user(AccessToken=tokens["AccessToken"])
    with refused("NotAuthorizedException", "Refresh Token has been revoked"):
        cognito.initiate_auth(**own, AuthFlow="REFRESH_TOKEN_AUTH", **refresh)
    access = program.access_token(client_id, username)
    cognito.global_sign_out(AccessToken=access)
    with refused("NotAuthorizedException", "Access Token has been revoked"):
        cognito.get_user(AccessToken=access)


def test_rotation(program: Program) -> None:
    """With rotation each refresh has a new token, and an old one is refused."""
    cognito = program.cognito
    _, client_id = program.app(
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"],
        RefreshTokenRotation={"Feature": "ENABLED", "RetryGracePeriodSeconds": 0},
    )
    first = program.log_in(client_id, program.user(client_id))["AuthenticationResult"]
    old = {"ClientId": client_id, "RefreshToken": first["RefreshToken"]}
    second = cognito.get_tokens_from_refresh_token(**old)["AuthenticationResult"]
    assert second["RefreshToken"] != first["RefreshToken"]
    with refused("RefreshTokenReuseException"):
        cognito.get_tokens_from_refresh_token(**old)


def test_second_factors(program: Program) -> None:
    """A user chooses among a code by SMS, one by e-mail, and an authenticator app."""
    cognito = program.cognito
    pool_id, client_id = program.app({"EmailConfiguration": SES})
    cognito.set_user_pool_mfa_config(
        UserPoolId=pool_id,
        MfaConfiguration="OPTIONAL",
        SoftwareTokenMfaConfiguration={"Enabled": True},
        SmsMfaConfiguration={"SmsConfiguration": SMS},
        EmailMfaConfiguration={},
    )
    username = program.user(client_id, phone_number="+15551234567")
    access = program.access_token(client_id, username)
    secret = cognito.associate_software_token(AccessToken=access)["SecretCode"]
    with refused("EnableSoftwareTokenMFAException"):
        cognito.verify_software_token(AccessToken=access, UserCode="000000")
    verified = cognito.verify_software_token(
        AccessToken=access, UserCode=program.totp(secret), FriendlyDeviceName="phone"
    )
    on = {"Enabled": True}
    cognito.set_user_mfa_preference(
        AccessToken=access, SoftwareTokenMfaSettings=on, SMSMfaSettings=on, EmailMfaSettings=on
    )
    assert verified["Status"] == "SUCCESS"

    for factor, code in {
        "SMS_MFA": "SMS_MFA_CODE",
        "EMAIL_OTP": "EMAIL_OTP_CODE",
        "SOFTWARE_TOKEN_MFA": "SOFTWARE_TOKEN_MFA_CODE",
    }.items():
        asked = program.log_in(client_id, username)
        assert asked["ChallengeName"] == "SELECT_MFA_TYPE"
        chosen = cognito.respond_to_auth_challenge(
            ClientId=client_id,
            ChallengeName=asked["ChallengeName"],
            Session=asked["Session"],
            ChallengeResponses={"USERNAME": username, "ANSWER": factor},
        )
        assert chosen["ChallengeName"] == factor
        answer = program.totp(secret) if factor.startswith("SOFT") else program.code(username)
        final = {"ClientId": client_id, "ChallengeName": factor, "Session": chosen["Session"]}
        with refused("CodeMismatchException"):
            cognito.respond_to_auth_challenge(
                **final, ChallengeResponses={"USERNAME": username, code: "none"}
            )
        signed_in = cognito.respond_to_auth_challenge(
            **final, ChallengeResponses={"USERNAME": username, code: answer}
        )
        assert signed_in["AuthenticationResult"]["IdToken"]
