"""The default answers of the scripted Cognito: the documented success of each operation."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import jwt

USER_ID: Final = "11111111-2222-4333-8444-555555555555"
SESSION: Final = "a-session-of-the-scripted-Cognito"
TOTP_SECRET: Final = "JBSWY3DPEHPK3PXP"  # noqa: S105 -- of no real authenticator app
DELIVERY: Final[Mapping[str, str]] = {
    "DeliveryMedium": "EMAIL",
    "Destination": "a***@e***",
    "AttributeName": "email",
}
PASSKEY: Final[Mapping[str, Any]] = {
    "CredentialId": "a-credential",
    "FriendlyCredentialName": "A phone",
    "RelyingPartyId": "example.com",
    "AuthenticatorTransports": ["internal"],
    "CreatedAt": 1_750_000_000.5,
}
DEVICE: Final[Mapping[str, Any]] = {
    "DeviceKey": "us-east-1_11111111-2222-4333-8444-555555555555",
    "DeviceAttributes": [{"Name": "device_status", "Value": "valid"}],
    "DeviceCreateDate": 1_750_000_000.5,
    "DeviceLastModifiedDate": 1_750_000_000.5,
}
CURRENT: Final[Mapping[str, Any]] = {
    "SessionId": "tkn0000000000000000000000001",
    "SessionType": "TOKEN",
    "ClientId": "anAppClient",
    "CreateDate": 1_750_000_000.5,
    "LastActiveDate": 1_750_000_100.5,
    "DeviceType": "unknown",
    "LastLocation": {"Country": "unknown"},
    "IsCurrentSession": True,
}
_KEY: Final = "a key of thirty-two bytes or more"  # PyJWT warns of shorter ones


def id_token(**claims: object) -> str:
    """Return an ID token with only these claims; its signature is not valid."""
    return jwt.encode(claims, _KEY, algorithm="HS256")


@cache
def tokens() -> Mapping[str, Any]:
    """Return the response that contains tokens."""
    return {
        "ChallengeParameters": {},
        "AuthenticationResult": {
            "AccessToken": "an-access-token",
            "IdToken": id_token(sub=USER_ID),
            "RefreshToken": "a-refresh-token",
            "ExpiresIn": 3_600,
            "TokenType": "Bearer",
        },
    }


def default_answer(operation: str) -> Mapping[str, Any] | None:
    """Return the success of an operation, or None if there is no default."""
    if operation in {"InitiateAuth", "RespondToAuthChallenge"}:
        return tokens()
    if operation == "GetTokensFromRefreshToken":
        return {"AuthenticationResult": tokens()["AuthenticationResult"]}
    return _ANSWERS.get(operation)


_ANSWERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "AssociateSoftwareToken": {"SecretCode": TOTP_SECRET, "Session": SESSION},
    "ChangePassword": {},
    "CompleteWebAuthnRegistration": {},
    "ConfirmDevice": {"UserConfirmationNecessary": False},
    "ConfirmForgotPassword": {},
    "ConfirmSignUp": {"Session": SESSION},
    "DeleteUser": {},
    "DeleteUserAttributes": {},
    "DeleteWebAuthnCredential": {},
    "ForgotPassword": {"CodeDeliveryDetails": DELIVERY},
    "GetUser": {
        "Username": "alice@example.com",
        "UserAttributes": [
            {"Name": "sub", "Value": USER_ID},
            {"Name": "email", "Value": "alice@example.com"},
        ],
    },
    "GetUserAttributeVerificationCode": {"CodeDeliveryDetails": DELIVERY},
    "GetUserAuthFactors": {"Username": "alice@example.com"},
    "GlobalSignOut": {},
    "ListDevices": {"Devices": [DEVICE]},
    "ListUserSessions": {"Sessions": [CURRENT]},
    "ListWebAuthnCredentials": {"Credentials": [PASSKEY]},
    "ResendConfirmationCode": {"CodeDeliveryDetails": DELIVERY},
    "RevokeToken": {},
    "RevokeUserSession": {},
    "SetUserMFAPreference": {},
    "SignUp": {
        "UserConfirmed": False,
        "UserSub": USER_ID,
        "CodeDeliveryDetails": DELIVERY,
        "Session": SESSION,
    },
    "StartWebAuthnRegistration": {"CredentialCreationOptions": {"challenge": "Y2hhbGxlbmdl"}},
    "UpdateUserAttributes": {"CodeDeliveryDetailsList": [DELIVERY]},
    "VerifySoftwareToken": {"Status": "SUCCESS", "Session": SESSION},
    "VerifyUserAttribute": {},
}
