"""Each call sends exactly the documented request, for both kinds of app client."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import pytest

from service.cognito.user_pool_client import secret_hash
from service.domain.client import Client
from service.domain.identity_provider import IdentityProvider
from service.domain.mfa import EMAIL, SMS, TOTP, MfaPreferences
from tests.cognito.calls import (
    ADDRESS,
    CALLS,
    CODE,
    CREDENTIAL,
    DEVICE_KEY,
    METADATA,
    NEW_PASSWORD,
    PASSWORD,
    REFRESH_TOKEN,
    SESSION_ID,
    TOKEN,
    USERNAME,
)
from tests.cognito.conftest import CLIENT_ID, Providing
from tests.support.cognito_answers import SESSION
from tests.support.cognito_shapes import service_model
from tests.support.scripted_cognito import ScriptedCognito, success

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET: Final = "aClientSecret"  # noqa: S105 -- of no client
Arguments: TypeAlias = Mapping[str, Any]
WITH_METADATA: Final[Arguments] = {"ClientMetadata": METADATA}


@dataclass(frozen=True, slots=True)
class Kind:
    """An app client with or without a secret, and with or without the client's address."""

    secret: str | None
    sends_address: bool

    def proof(self, name: str) -> Arguments:
        """Return the SECRET_HASH of the user under *name*."""
        return {} if self.secret is None else {name: hash_over(USERNAME)}

    @property
    def client_secret(self) -> Arguments:
        """Return the secret itself."""
        return {} if self.secret is None else {"ClientSecret": self.secret}

    @property
    def context(self) -> Arguments:
        """Return the UserContextData and the ClientMetadata."""
        address = {"UserContextData": {"IpAddress": ADDRESS}} if self.sends_address else {}
        return {**address, **WITH_METADATA}

    def by_name(self, **arguments: object) -> Arguments:
        """Return the arguments of a call about a user by name."""
        named = {"ClientId": CLIENT_ID, "Username": USERNAME}
        return {**named, **self.proof("SecretHash"), **self.context, **arguments}

    def initiating(self, flow: str, **parameters: str) -> Arguments:
        """Return the arguments of InitiateAuth."""
        return {
            "ClientId": CLIENT_ID,
            "AuthFlow": flow,
            "AuthParameters": {"USERNAME": USERNAME, **self.proof("SECRET_HASH"), **parameters},
            **self.context,
        }

    def responding(self, challenge: str, **responses: str) -> Arguments:
        """Return the arguments of RespondToAuthChallenge."""
        return {
            "ClientId": CLIENT_ID,
            "ChallengeName": challenge,
            "Session": SESSION,
            "ChallengeResponses": {"USERNAME": USERNAME, **self.proof("SECRET_HASH"), **responses},
            **self.context,
        }


def hash_over(username: str) -> str:
    """Compute a SECRET_HASH as the guide does."""
    digest = hmac.digest(SECRET.encode(), f"{username}{CLIENT_ID}".encode(), hashlib.sha256)
    return base64.b64encode(digest).decode()


def by_token(**arguments: object) -> Arguments:
    """Return the arguments of a call by an access token: no client, no proof, no address."""
    return {"AccessToken": TOKEN, **arguments}


ENABLED_AND_NOT_PREFERRED: Final = {"Enabled": True, "PreferredMfa": False}
EXPECTED: Final[Mapping[str, Callable[[Kind], list[tuple[str, Arguments]]]]] = {
    "SignUp": lambda kind: [
        (
            "SignUp",
            kind.by_name(
                Password=PASSWORD,
                UserAttributes=[
                    {"Name": "email", "Value": USERNAME},
                    {"Name": "name", "Value": "Alice"},
                ],
            ),
        )
    ],
    "SignUp/no password": lambda kind: [("SignUp", kind.by_name(UserAttributes=[]))],
    "ConfirmSignUp": lambda kind: [("ConfirmSignUp", kind.by_name(ConfirmationCode=CODE))],
    "ConfirmSignUp/session": lambda kind: [
        ("ConfirmSignUp", kind.by_name(ConfirmationCode=CODE, Session=SESSION))
    ],
    "ResendConfirmationCode": lambda kind: [("ResendConfirmationCode", kind.by_name())],
    "InitiateAuth": lambda kind: [
        ("InitiateAuth", kind.initiating("USER_PASSWORD_AUTH", PASSWORD=PASSWORD))
    ],
    "InitiateAuth/begin": lambda kind: [
        ("InitiateAuth", kind.initiating("USER_AUTH", PREFERRED_CHALLENGE="WEB_AUTHN"))
    ],
    "InitiateAuth/no preference": lambda kind: [("InitiateAuth", kind.initiating("USER_AUTH"))],
    "InitiateAuth/session": lambda kind: [
        ("InitiateAuth", {**kind.initiating("USER_AUTH"), "Session": SESSION})
    ],
    "RespondToAuthChallenge": lambda kind: [
        ("RespondToAuthChallenge", kind.responding("SMS_MFA", SMS_MFA_CODE=CODE))
    ],
    "GetTokensFromRefreshToken": lambda kind: [
        (
            "GetTokensFromRefreshToken",
            {
                "ClientId": CLIENT_ID,
                "RefreshToken": REFRESH_TOKEN,
                **kind.client_secret,
                **WITH_METADATA,
            },
        )
    ],
    "GetTokensFromRefreshToken/device": lambda kind: [
        (
            "GetTokensFromRefreshToken",
            {
                "ClientId": CLIENT_ID,
                "RefreshToken": REFRESH_TOKEN,
                "DeviceKey": DEVICE_KEY,
                **kind.client_secret,
                **WITH_METADATA,
            },
        )
    ],
    "RevokeToken": lambda kind: [
        ("RevokeToken", {"ClientId": CLIENT_ID, "Token": REFRESH_TOKEN, **kind.client_secret})
    ],
    "GlobalSignOut": lambda _: [("GlobalSignOut", by_token())],
    "ForgotPassword": lambda kind: [("ForgotPassword", kind.by_name())],
    "ConfirmForgotPassword": lambda kind: [
        ("ConfirmForgotPassword", kind.by_name(ConfirmationCode=CODE, Password=NEW_PASSWORD))
    ],
    "ChangePassword": lambda _: [
        ("ChangePassword", by_token(PreviousPassword=PASSWORD, ProposedPassword=NEW_PASSWORD))
    ],
    "GetUser": lambda _: [("GetUser", by_token())],
    "UpdateUserAttributes": lambda _: [
        (
            "UpdateUserAttributes",
            by_token(UserAttributes=[{"Name": "name", "Value": "Al"}], **WITH_METADATA),
        )
    ],
    "DeleteUserAttributes": lambda _: [
        ("DeleteUserAttributes", by_token(UserAttributeNames=["name"]))
    ],
    "GetUserAttributeVerificationCode": lambda _: [
        (
            "GetUserAttributeVerificationCode",
            by_token(AttributeName="email", **WITH_METADATA),
        )
    ],
    "VerifyUserAttribute": lambda _: [
        ("VerifyUserAttribute", by_token(AttributeName="email", Code=CODE))
    ],
    "DeleteUser": lambda _: [("DeleteUser", by_token())],
    "AssociateSoftwareToken": lambda _: [("AssociateSoftwareToken", by_token())],
    "AssociateSoftwareToken/session": lambda _: [("AssociateSoftwareToken", {"Session": SESSION})],
    "VerifySoftwareToken": lambda _: [
        ("VerifySoftwareToken", by_token(UserCode=CODE, FriendlyDeviceName="A phone"))
    ],
    "VerifySoftwareToken/nameless": lambda _: [("VerifySoftwareToken", by_token(UserCode=CODE))],
    "VerifySoftwareToken/session": lambda kind: [
        ("VerifySoftwareToken", {"Session": SESSION, "UserCode": CODE}),
        ("RespondToAuthChallenge", kind.responding("MFA_SETUP")),
    ],
    "SetUserMFAPreference": lambda _: [
        ("GetUserAuthFactors", by_token()),
        (
            "SetUserMFAPreference",
            by_token(
                SMSMfaSettings=ENABLED_AND_NOT_PREFERRED,
                SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True},
                EmailMfaSettings=ENABLED_AND_NOT_PREFERRED,
            ),
        ),
    ],
    "SetUserMFAPreference/passkey": lambda _: [
        ("GetUserAuthFactors", by_token()),
        (
            "SetUserMFAPreference",
            by_token(
                SoftwareTokenMfaSettings=ENABLED_AND_NOT_PREFERRED,
                WebAuthnMfaSettings={"Enabled": True},
            ),
        ),
    ],
    "GetUserAuthFactors": lambda _: [("GetUserAuthFactors", by_token())],
    "StartWebAuthnRegistration": lambda _: [("StartWebAuthnRegistration", by_token())],
    "CompleteWebAuthnRegistration": lambda _: [
        ("CompleteWebAuthnRegistration", by_token(Credential=CREDENTIAL))
    ],
    "ListWebAuthnCredentials": lambda _: [("ListWebAuthnCredentials", by_token())],
    "DeleteWebAuthnCredential": lambda _: [
        ("DeleteWebAuthnCredential", by_token(CredentialId="a-credential"))
    ],
    "ListDevices": lambda _: [("ListDevices", by_token())],
    "ListUserSessions": lambda _: [("ListUserSessions", by_token())],
    "RevokeUserSession": lambda _: [("RevokeUserSession", by_token(SessionId=SESSION_ID))],
    "RevokeUserSession/linked": lambda _: [
        (
            "RevokeUserSession",
            by_token(SessionId=SESSION_ID, RevokeAssociatedSessions="LINKED"),
        )
    ],
}


def sent(cognito: ScriptedCognito) -> list[tuple[str, Arguments]]:
    """Return the requests in order."""
    return [(request.operation, request.arguments) for request in cognito.received]


@pytest.mark.parametrize(
    "kind",
    [Kind(None, False), Kind(SECRET, False), Kind(None, True), Kind(SECRET, True)],  # noqa: FBT003 -- see Kind
    ids=["public", "with a secret", "sends addresses", "both"],
)
@pytest.mark.parametrize("call", CALLS)
async def test_call_sends_what_is_documented(
    call: str, kind: Kind, providing: Providing, cognito: ScriptedCognito
) -> None:
    """A call has its documented arguments, the client's proof and the address where due, nothing else."""
    await CALLS[call](providing(kind.secret, kind.sends_address))

    assert sent(cognito) == EXPECTED[call](kind)


@pytest.mark.parametrize("call", CALLS)
async def test_metadata_is_sent_by_every_call_that_takes_it(
    call: str, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A call has ClientMetadata if, and only if, the operation's input has it."""
    await CALLS[call](provider)

    for operation, arguments in sent(cognito):
        shape = service_model().operation_model(operation).input_shape
        assert shape is not None
        assert ("ClientMetadata" in arguments) == ("ClientMetadata" in shape.members), operation


@pytest.mark.parametrize(
    "call",
    [
        lambda to: to.registrations.resend_code(USERNAME, Client(None)),
        lambda to: to.sessions.log_in(USERNAME, PASSWORD, Client(None)),
    ],
    ids=["by name", "sign-in"],
)
async def test_unknown_address_and_empty_metadata_are_not_sent(
    call: Callable[[IdentityProvider], Any], providing: Providing, cognito: ScriptedCognito
) -> None:
    """Without a client address UserContextData is omitted, without metadata ClientMetadata."""
    await call(providing(None, True))  # noqa: FBT003 -- it sends addresses

    ((_, arguments),) = sent(cognito)
    assert arguments.keys().isdisjoint({"UserContextData", "ClientMetadata"})


async def test_changes_set_and_remove(provider: IdentityProvider, cognito: ScriptedCognito) -> None:
    """Attributes are set by one call, those that are null removed by another."""
    changes = {"name": "Al", "nickname": None, "email": "al@example.com", "zoneinfo": None}
    deliveries = await provider.own_account.change_attributes(TOKEN, changes)

    assert [delivery.attribute for delivery in deliveries] == ["email"]
    assert sent(cognito) == [
        (
            "UpdateUserAttributes",
            by_token(
                UserAttributes=[
                    {"Name": "name", "Value": "Al"},
                    {"Name": "email", "Value": "al@example.com"},
                ]
            ),
        ),
        ("DeleteUserAttributes", by_token(UserAttributeNames=["nickname", "zoneinfo"])),
    ]


async def test_no_changes_are_no_call(provider: IdentityProvider, cognito: ScriptedCognito) -> None:
    """Empty changes make no call."""
    cognito.answers("GetUserAuthFactors", success({"Username": USERNAME}))

    assert await provider.own_account.change_attributes(TOKEN, {}) == ()
    await provider.factors.prefer(TOKEN, MfaPreferences((), None))

    assert cognito.operations == ["GetUserAuthFactors"]


@pytest.mark.parametrize(
    ("present", "wanted", "expected"),
    [
        (
            ["SMS_MFA", "SOFTWARE_TOKEN_MFA"],
            MfaPreferences((TOTP,), None),
            {
                "SMSMfaSettings": {"Enabled": False, "PreferredMfa": False},
                "SoftwareTokenMfaSettings": ENABLED_AND_NOT_PREFERRED,
            },
        ),
        (
            ["EMAIL_OTP"],
            MfaPreferences((), None),
            {"EmailMfaSettings": {"Enabled": False, "PreferredMfa": False}},
        ),
        (
            ["a new factor"],
            MfaPreferences((SMS, EMAIL), EMAIL),
            {
                "SMSMfaSettings": ENABLED_AND_NOT_PREFERRED,
                "EmailMfaSettings": {"Enabled": True, "PreferredMfa": True},
            },
        ),
    ],
    ids=["one less", "the last", "beside one that is unknown"],
)
async def test_preferences_contain_changed_factors_only(
    present: list[str],
    wanted: MfaPreferences,
    expected: Arguments,
    provider: IdentityProvider,
    cognito: ScriptedCognito,
) -> None:
    """Only factors that are enabled, or change, are sent: Cognito rejects the others."""
    cognito.answers(
        "GetUserAuthFactors", success({"Username": USERNAME, "UserMFASettingList": present})
    )

    await provider.factors.prefer(TOKEN, wanted)

    assert cognito.arguments("SetUserMFAPreference") == by_token(**expected)


async def test_secret_hash_is_as_the_guide_defines_it() -> None:
    """Base64 of HMAC-SHA256 over user name and client id; computed once with openssl."""
    assert (
        secret_hash("client", "secret", "alice") == "RTsve+FQ659UKyESgvLg9GYmZEL+QjzQsW/OjL77/b0="
    )
