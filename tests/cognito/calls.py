"""Every call that the adapter makes, by the port's method that makes it."""

from collections.abc import Awaitable, Callable, Mapping
from ipaddress import IPv4Address
from typing import Final, TypeAlias

from service.domain.accounts import NewAccount
from service.domain.client import Client
from service.domain.identity_provider import IdentityProvider
from service.domain.mfa import EMAIL, PASSKEY, SMS, TOTP, MfaPreferences
from service.domain.sessions import ChallengeAnswer
from tests.support.cognito_answers import SESSION

Call: TypeAlias = Callable[[IdentityProvider], Awaitable[object]]

USERNAME: Final = "alice@example.com"
PASSWORD: Final = "Corr3ct-horse!"  # noqa: S105 -- of nobody
NEW_PASSWORD: Final = "Batt3ry-staple!"  # noqa: S105 -- of nobody
CODE: Final = "123456"
TOKEN: Final = "an-access-token"  # noqa: S105 -- of nobody
REFRESH_TOKEN: Final = "a-refresh-token"  # noqa: S105 -- of nobody
DEVICE_KEY: Final = "us-east-1_6e3cb5cf-6c22-4110-97cc-fa43e3b13280"
ADDRESS: Final = "203.0.113.7"
METADATA: Final = {"locale": "de"}
CLIENT: Final = Client(IPv4Address(ADDRESS), METADATA)
SESSION_ID: Final = "tkn0000000000000000000000002"
CREDENTIAL: Final = {"id": "a-credential", "response": {"clientDataJSON": "e30"}}
ACCOUNT: Final = NewAccount(USERNAME, PASSWORD, {"email": USERNAME, "name": "Alice"})

# The operation, after a slash what tells two methods apart that make it -> the method, called.
CALLS: Final[Mapping[str, Call]] = {
    "SignUp": lambda to: to.registrations.sign_up(ACCOUNT, CLIENT),
    "SignUp/no password": lambda to: to.registrations.sign_up(NewAccount(USERNAME), CLIENT),
    "ConfirmSignUp": lambda to: to.registrations.confirm(USERNAME, CODE, CLIENT),
    "ConfirmSignUp/session": lambda to: to.registrations.confirm(USERNAME, CODE, CLIENT, SESSION),
    "ResendConfirmationCode": lambda to: to.registrations.resend_code(USERNAME, CLIENT),
    "InitiateAuth": lambda to: to.sessions.log_in(USERNAME, PASSWORD, CLIENT),
    "InitiateAuth/begin": lambda to: to.sessions.begin(USERNAME, "WEB_AUTHN", CLIENT),
    "InitiateAuth/no preference": lambda to: to.sessions.begin(USERNAME, None, CLIENT),
    "InitiateAuth/session": lambda to: to.sessions.continue_sign_up(USERNAME, SESSION, CLIENT),
    "RespondToAuthChallenge": lambda to: to.sessions.answer(
        ChallengeAnswer("SMS_MFA", SESSION, USERNAME, code=CODE), CLIENT
    ),
    "GetTokensFromRefreshToken": lambda to: to.sessions.refresh(REFRESH_TOKEN, None, CLIENT),
    "GetTokensFromRefreshToken/device": lambda to: to.sessions.refresh(
        REFRESH_TOKEN, DEVICE_KEY, CLIENT
    ),
    "RevokeToken": lambda to: to.sessions.revoke(REFRESH_TOKEN),
    "GlobalSignOut": lambda to: to.sessions.sign_out_everywhere(TOKEN),
    "ForgotPassword": lambda to: to.passwords.forgot(USERNAME, CLIENT),
    "ConfirmForgotPassword": lambda to: to.passwords.reset(USERNAME, CODE, NEW_PASSWORD, CLIENT),
    "ChangePassword": lambda to: to.passwords.change(TOKEN, PASSWORD, NEW_PASSWORD),
    "GetUser": lambda to: to.own_account.describe(TOKEN),
    "UpdateUserAttributes": lambda to: to.own_account.change_attributes(
        TOKEN, {"name": "Al"}, CLIENT
    ),
    "DeleteUserAttributes": lambda to: to.own_account.change_attributes(
        TOKEN, {"name": None}, CLIENT
    ),
    "GetUserAttributeVerificationCode": lambda to: to.own_account.send_verification(
        TOKEN, "email", CLIENT
    ),
    "VerifyUserAttribute": lambda to: to.own_account.verify(TOKEN, "email", CODE),
    "DeleteUser": lambda to: to.own_account.delete(TOKEN),
    "AssociateSoftwareToken": lambda to: to.factors.associate_totp(TOKEN),
    "AssociateSoftwareToken/session": lambda to: to.sessions.answer(
        ChallengeAnswer("MFA_SETUP", SESSION, USERNAME, choice=TOTP), CLIENT
    ),
    "VerifySoftwareToken": lambda to: to.factors.verify_totp(TOKEN, CODE, "A phone"),
    "VerifySoftwareToken/nameless": lambda to: to.factors.verify_totp(TOKEN, CODE, None),
    "VerifySoftwareToken/session": lambda to: to.sessions.answer(
        ChallengeAnswer("MFA_SETUP", SESSION, USERNAME, code=CODE), CLIENT
    ),
    "SetUserMFAPreference": lambda to: to.factors.prefer(
        TOKEN, MfaPreferences((SMS, TOTP, EMAIL), TOTP)
    ),
    "SetUserMFAPreference/passkey": lambda to: to.factors.prefer(
        TOKEN, MfaPreferences((TOTP, PASSKEY), None)
    ),
    "GetUserAuthFactors": lambda to: to.factors.preferences(TOKEN),
    "StartWebAuthnRegistration": lambda to: to.passkeys.registration_options(TOKEN),
    "CompleteWebAuthnRegistration": lambda to: to.passkeys.register(TOKEN, CREDENTIAL),
    "ListWebAuthnCredentials": lambda to: to.passkeys.registered(TOKEN),
    "DeleteWebAuthnCredential": lambda to: to.passkeys.remove(TOKEN, "a-credential"),
    "ListDevices": lambda to: to.devices.remembered(TOKEN),
    "ListUserSessions": lambda to: to.user_sessions.active(TOKEN),
    "RevokeUserSession": lambda to: to.user_sessions.revoke(TOKEN, SESSION_ID),
    "RevokeUserSession/linked": lambda to: to.user_sessions.revoke(TOKEN, SESSION_ID, linked=True),
}


def operation_of(call: str) -> str:
    """Return the operation of a key of CALLS."""
    return call.partition("/")[0]
