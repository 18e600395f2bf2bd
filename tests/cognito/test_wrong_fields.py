"""InvalidParameterException names our fields; Cognito's message is in the log, without values."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

import pytest
from structlog.testing import capture_logs

from service.domain.accounts import NewAccount
from service.domain.errors import (
    CodeMismatch,
    FeatureUnavailable,
    InvalidCredentials,
    InvalidFields,
    InvalidParameter,
    MfaNotConfigured,
    Misconfigured,
    PasskeyNotFound,
    PasswordReused,
    RefreshTokenInvalid,
    ServiceError,
    TokenInvalid,
    WeakPassword,
)
from service.domain.identity_provider import IdentityProvider
from service.domain.mfa import TOTP, MfaPreferences
from service.domain.sessions import ChallengeAnswer
from tests.cognito.calls import (
    CALLS,
    CLIENT,
    CODE,
    NEW_PASSWORD,
    PASSWORD,
    TOKEN,
    USERNAME,
    operation_of,
)
from tests.cognito.conftest import Providing
from tests.support.cognito_answers import SESSION
from tests.support.scripted_cognito import ScriptedCognito, echoing, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEW_PASSWORD_CHALLENGE: Final = ChallengeAnswer(
    "NEW_PASSWORD_REQUIRED", SESSION, USERNAME, new_password=NEW_PASSWORD, attributes={"name": "A"}
)
MORE_CALLS: Final[Mapping[str, Callable[[IdentityProvider], Awaitable[object]]]] = {
    **CALLS,
    "SignUp/plain": lambda to: to.registrations.sign_up(
        NewAccount("alice", PASSWORD, {"name": "Alice", "phone_number": "12"}), CLIENT
    ),
    "UpdateUserAttributes/two": lambda to: to.own_account.change_attributes(
        TOKEN, {"name": "Al", "nickname": "Ally"}
    ),
    "RespondToAuthChallenge/password": lambda to: to.sessions.answer(
        NEW_PASSWORD_CHALLENGE, CLIENT
    ),
    "RespondToAuthChallenge/passkey": lambda to: to.sessions.answer(
        ChallengeAnswer("WEB_AUTHN", SESSION, USERNAME, credential="{}"), CLIENT
    ),
    "RespondToAuthChallenge/choice": lambda to: to.sessions.answer(
        ChallengeAnswer("SELECT_MFA_TYPE", SESSION, USERNAME, choice=TOTP), CLIENT
    ),
}
CONSTRAINT: Final = "failed to satisfy constraint: Member must"
EDGES: Final = rf"{CONSTRAINT} satisfy regular expression pattern: ^[\S]+.*[\S]+$"
SCHEMA: Final = "Attributes did not conform to the schema:"
BLANK: Final = f"Value 'a b' at 'username' {CONSTRAINT} satisfy … pattern: [\\p{{L}}\\p{{M}}]+"
SHORT: Final = f"Value 'x' at 'code' {CONSTRAINT} have length greater than or equal to 2"
REDACTED: Final = {
    text: text.replace(value, "[redacted]") for text, value in ((BLANK, "'a b'"), (SHORT, "'x'"))
}
NO_MFA: Final = "SetUserMFAPreference"
FIELDS: Final[list[tuple[str, str, list[str]]]] = [
    ("SignUp", f"1 validation error detected: Value at 'password' {EDGES}", ["password"]),
    (
        "ConfirmForgotPassword",
        f"1 validation error detected: Value at 'password' {EDGES}",
        ["password"],
    ),
    (
        "ChangePassword",
        f"1 validation error detected: Value at 'proposedPassword' {EDGES}",
        ["newPassword"],
    ),
    (
        "ChangePassword",
        (
            f"2 validation errors detected: Value at 'previousPassword' {EDGES}; Value at"
            f" 'proposedPassword' {CONSTRAINT} have length less than or equal to 256"
        ),
        ["currentPassword", "newPassword"],
    ),
    (
        "SignUp",
        (
            f"2 validation errors detected: Value null at 'username' {CONSTRAINT} not be null; Value at"
            f" 'userAttributes.2.member.value' {CONSTRAINT} have length less than or equal to 2048"
        ),
        ["username", "attributes.name"],
    ),
    ("ConfirmSignUp", rf"Value at 'confirmationCode' {CONSTRAINT} satisfy … [\S]+", ["code"]),
    ("VerifyUserAttribute", SHORT, ["code"]),
    ("VerifySoftwareToken", f"Value at 'userCode' {CONSTRAINT} …", ["code"]),
    ("VerifySoftwareToken", f"Value at 'friendlyDeviceName' {CONSTRAINT} …", ["deviceName"]),
    ("VerifySoftwareToken/session", f"Value at 'userCode' {CONSTRAINT} …", ["answer.code"]),
    ("RespondToAuthChallenge", "Missing required parameter SMS_MFA_CODE", ["answer.code"]),
    ("RespondToAuthChallenge", "Missing required parameter: USERNAME", ["username"]),
    (
        "RespondToAuthChallenge/password",
        "Missing required parameters: NEW_PASSWORD, USERNAME",
        ["answer.newPassword", "username"],
    ),
    (
        "RespondToAuthChallenge/password",
        "Invalid attributes given, family_name and phone_number are missing",
        ["answer.attributes.family_name", "answer.attributes.phone_number"],
    ),
    (
        "RespondToAuthChallenge/password",
        "Cannot modify an already provided email",
        ["answer.attributes.email"],
    ),
    (
        "RespondToAuthChallenge/password",
        f"Value at 'challengeResponses.userAttributes.nickname' {CONSTRAINT}",
        ["answer.attributes.nickname"],
    ),
    ("RespondToAuthChallenge/passkey", "Credential data is not valid", ["answer.credential"]),
    ("RespondToAuthChallenge/choice", "Invalid MFA type selected.", ["answer"]),
    ("InitiateAuth", "Missing required parameter PASSWORD", ["password"]),
    ("InitiateAuth", f"Value at 'authParameters.USERNAME' {CONSTRAINT} …", ["username"]),
    ("ForgotPassword", BLANK, ["username"]),
    ("ResendConfirmationCode", "Username should be an email.", ["username"]),
    ("SignUp", "Username should be either an email or a phone number.", ["username"]),
    ("SignUp", "Username cannot be of email format, since user pool is configured …", ["username"]),
    ("SignUp", "Invalid email address format.", ["attributes.email"]),
    ("SignUp/plain", "Invalid email address format.", ["username"]),
    ("SignUp/plain", "The value of phone_number cannot be used", ["attributes.phone_number"]),
    ("SignUp/plain", "Invalid phone number format.", ["attributes.phone_number"]),
    (
        "SignUp",
        (
            f"{SCHEMA} phoneNumbers: The attribute phoneNumbers is required\n"
            "name.formatted: The attribute name.formatted is required\n"
        ),
        ["attributes.phone_number", "attributes.name"],
    ),
    (
        "SignUp",
        (
            f"{SCHEMA} given_name: The attribute is required, "
            "aws:cognito:system.birthdate: The attribute is required"
        ),
        ["attributes.given_name", "attributes.birthdate"],
    ),
    (
        "SignUp",
        SCHEMA + " Type for attribute {custom:role} could not be determined",
        ["attributes.custom:role"],
    ),
    ("SignUp", f"{SCHEMA} a strange name: is", ["attributes"]),
    (
        "UpdateUserAttributes",
        (
            "user.custom:size: Attribute does not exist in the schema.\n"
            "user.email: Attribute cannot be updated.\n"
        ),
        ["attributes.custom:size", "attributes.email"],
    ),
    ("UpdateUserAttributes", "Something about a value", ["attributes.name"]),
    ("UpdateUserAttributes/two", "Something about a value", ["attributes"]),
    ("UpdateUserAttributes/two", f"Value at 'userAttributes' {CONSTRAINT}", ["attributes"]),
    (
        "UpdateUserAttributes/two",
        f"Value at 'userAttributes.2.member.value' {CONSTRAINT}",
        ["attributes.nickname"],
    ),
    (
        "UpdateUserAttributes/two",
        f"Value at 'userAttributes.9.member.value' {CONSTRAINT}",
        ["attributes"],
    ),
    (
        "DeleteUserAttributes",
        "user.name: Attribute is required and cannot be deleted.\n",
        ["attributes.name"],
    ),
    ("GetUserAttributeVerificationCode", "User does not have the attribute", ["attribute"]),
    ("VerifyUserAttribute", f"Value at 'attributeName' {CONSTRAINT}", ["attribute"]),
    ("CompleteWebAuthnRegistration", "Credential data is not valid", ["credential"]),
    (
        "CompleteWebAuthnRegistration",
        f"Value at 'credential' {CONSTRAINT} not be null",
        ["credential"],
    ),
    ("SetUserMFAPreference", "Invalid: the user pool requires MFA", ["enabled"]),
    (
        "SetUserMFAPreference/passkey",
        "WebAuthn MFA requires enabling an additional MFA setting.",
        ["enabled"],
    ),
    (
        "SetUserMFAPreference",
        f"Value at 'softwareTokenMfaSettings.enabled' {CONSTRAINT}",
        ["enabled"],
    ),
]


@pytest.mark.parametrize(("call", "message", "fields"), FIELDS)
async def test_message_names_the_fields(
    call: str, message: str, fields: list[str], provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """Each parameter and attribute in the message is a field of the request, in our words."""
    cognito.answers(operation_of(call), refusal("InvalidParameterException", message))

    with capture_logs() as logs, pytest.raises(InvalidFields) as raised:
        await MORE_CALLS[call](provider)

    assert [problem.field for problem in raised.value.problems] == fields
    assert not any(problem.message in message for problem in raised.value.problems)
    (event,) = logs
    assert (event["event"], event["log_level"]) == ("cognito_call_refused", "info")
    assert event["message"] == REDACTED.get(message, message.replace("\n", " "))


@pytest.mark.parametrize(
    ("call", "message", "expected"),
    [
        ("SignUp", f"Value at 'clientId' {CONSTRAINT}", Misconfigured),
        ("InitiateAuth", "Missing required parameter SECRET_HASH", Misconfigured),
        (
            "SignUp",
            f"Value at 'code' {CONSTRAINT}; Value at 'secretHash' {CONSTRAINT}",
            Misconfigured,
        ),
        ("GetUser", f"Value at 'accessToken' {CONSTRAINT}", TokenInvalid),
        ("DeleteWebAuthnCredential", f"Value at 'credentialId' {CONSTRAINT}", PasskeyNotFound),
        ("GetTokensFromRefreshToken", f"Value at 'deviceKey' {CONSTRAINT}", RefreshTokenInvalid),
        (
            "SetUserMFAPreference",
            "User does not have delivery config set to turn on SMS_MFA",
            MfaNotConfigured,
        ),
        (NO_MFA, "User has not verified software token mfa", MfaNotConfigured),
        (
            NO_MFA,
            "User does not have applicable WebAuthn credentials to enable WebAuthn MFA.",
            MfaNotConfigured,
        ),
        (NO_MFA, "User has not set up software token mfa", MfaNotConfigured),
        (NO_MFA, "User does not have a phone_number set", MfaNotConfigured),
        (NO_MFA, "SMS MFA is not enabled for user pool", FeatureUnavailable),
        ("AssociateSoftwareToken", "Software Token MFA is not enabled for it", FeatureUnavailable),
        ("GetUser", f"Value at 'code' {CONSTRAINT}", InvalidParameter),
        ("GetTokensFromRefreshToken", "Invalid Refresh Token", RefreshTokenInvalid),
        ("InitiateAuth/begin", "User has no email", InvalidCredentials),
        ("ConfirmSignUp", "Something about the user", CodeMismatch),
        (
            "ConfirmForgotPassword",
            "There is no verified email or phone_number",
            CodeMismatch,
        ),
        ("SignUp", "Something new", InvalidParameter),
        ("SignUp", f"Value at 'somethingNew' {CONSTRAINT}", InvalidParameter),
    ],
)
async def test_message_that_is_about_no_field_has_another_meaning(
    call: str,
    message: str,
    expected: type[ServiceError],
    provider: IdentityProvider,
    cognito: ScriptedCognito,
) -> None:
    """The configuration, the token, a path and the state of the user have errors of their own."""
    cognito.answers(operation_of(call), refusal("InvalidParameterException", message))

    with pytest.raises(ServiceError) as raised:
        await CALLS[call](provider)

    assert type(raised.value) is expected


@pytest.mark.parametrize("call", ["ForgotPassword", "ResendConfirmationCode"])
@pytest.mark.parametrize(
    "message",
    [
        "Cannot reset password for the user as there is no registered/verified email or phone_number",
        "User is already confirmed.",
        "Invalid phone number format.",
    ],
)
async def test_message_about_an_existing_user_is_only_in_the_log(
    call: str, message: str, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A public call that sends a code succeeds, whatever Cognito says of an existing user."""
    cognito.answers(call, refusal("InvalidParameterException", message))

    with capture_logs() as logs:
        await CALLS[call](provider)

    assert [event["message"] for event in logs] == [message]


@pytest.mark.parametrize(
    ("call", "field"),
    [
        ("SignUp", "password"),
        ("ConfirmForgotPassword", "password"),
        ("ChangePassword", "newPassword"),
        ("RespondToAuthChallenge/password", "answer.newPassword"),
    ],
)
@pytest.mark.parametrize(
    ("name", "expected"),
    [("InvalidPassword", WeakPassword), ("PasswordHistoryPolicyViolation", PasswordReused)],
)
async def test_password_is_named(  # noqa: PLR0913, PLR0917 -- a row of the table and its fixtures
    call: str,
    field: str,
    name: str,
    expected: type[ServiceError],
    provider: IdentityProvider,
    cognito: ScriptedCognito,
) -> None:
    """A password that the pool refuses is named by its field, and the rule is in the log."""
    message = "Password did not conform with policy: Password must have uppercase characters"
    cognito.answers(operation_of(call), refusal(f"{name}Exception", message))

    with capture_logs() as logs, pytest.raises(expected) as raised:
        await MORE_CALLS[call](provider)

    assert [problem.field for problem in raised.value.problems] == [field]
    assert [event["message"] for event in logs] == [message]


@pytest.mark.parametrize("attributes", [{"name": "A"}, {"name": "A", "nickname": "B"}])
async def test_attribute_that_may_not_be_written_is_named(
    attributes: dict[str, str], provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """Cognito does not say which attribute it is: the only one is named, otherwise all."""
    message = "A client attempted to write unauthorized attribute"
    cognito.answers("UpdateUserAttributes", refusal("NotAuthorizedException", message))

    with capture_logs() as logs, pytest.raises(InvalidFields) as raised:
        await provider.own_account.change_attributes(TOKEN, attributes)

    expected = "attributes.name" if len(attributes) == 1 else "attributes"
    assert [problem.field for problem in raised.value.problems] == [expected]
    assert logs[0]["setting"] == "[auth] writable-attributes"


@pytest.mark.parametrize(
    ("call", "expected"),
    [("GetUser", Misconfigured), ("GetUserAttributeVerificationCode", InvalidFields)],
)
async def test_attribute_that_may_not_be_read_is_no_field_of_a_read(
    call: str, expected: type[ServiceError], provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A call without attributes in its body has no wrong attribute: the app client is misconfigured."""
    message = "A client attempted to read unauthorized attribute"
    cognito.answers(call, refusal("NotAuthorizedException", message))

    with pytest.raises(expected) as raised:
        await CALLS[call](provider)

    problems = raised.value.problems if isinstance(raised.value, InvalidFields) else ()
    assert [problem.field for problem in problems] == ["attribute"] * len(problems)


async def test_unsafe_password_of_a_sign_in_is_a_wrong_one(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A password that Cognito has found in a leak reveals by no code of its own that it is right."""
    message = "Provided password cannot be used for security reasons."
    cognito.answers("RespondToAuthChallenge", refusal("InvalidPasswordException", message))
    answer = ChallengeAnswer("PASSWORD", SESSION, USERNAME, password=PASSWORD)

    with pytest.raises(InvalidCredentials):
        await provider.sessions.answer(answer, CLIENT)


@pytest.mark.parametrize(
    ("call", "message", "logged"),
    [
        (
            "SignUp",
            f"Value '{USERNAME}' at 'username' failed; {PASSWORD.lower()} and Corr3ct",
            "Value '[redacted]' at 'username' failed; [redacted] and Corr3ct",
        ),
        (
            "SignUp",
            f"1 validation error detected: Value 'x' at 'y'' at 'username' {CONSTRAINT}\r\n\x1b[31m",
            f"1 validation error detected: Value [redacted] at 'username' {CONSTRAINT}   [31m",
        ),
        (
            "GetUser",
            f"{TOKEN} of mallory@example.org, +14155550123",
            "[redacted] of [redacted], [redacted]",
        ),
        ("ConfirmSignUp", "Not 123456 but 1234567", "Not [redacted] but [redacted]7"),
        ("CompleteWebAuthnRegistration", "a-credential, e30, e301", "[redacted], [redacted], e301"),
        ("SignUp", "x" * 9_000, "x" * 300),
    ],
)
async def test_values_are_not_in_the_log(
    call: str, message: str, logged: str, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """The log has Cognito's message as one bounded line, without values of the request."""
    cognito.answers(operation_of(call), refusal("InvalidParameterException", message))

    with capture_logs() as logs, pytest.raises(ServiceError):
        await CALLS[call](provider)

    assert [event["message"] for event in logs] == [logged]


async def test_message_of_a_mistaken_type_is_empty_in_the_log(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A factor that is not set up is logged also where the exception has no message."""
    cognito.answers("SetUserMFAPreference", refusal("InvalidParameterException", None))

    with capture_logs() as logs, pytest.raises(MfaNotConfigured):
        await provider.factors.prefer(TOKEN, MfaPreferences((TOTP,), TOTP))

    assert [event["message"] for event in logs] == [""]


@pytest.mark.parametrize("call", MORE_CALLS)
@pytest.mark.parametrize(
    "name",
    ["InvalidParameter", "NotAuthorized", "UnexpectedLambda", "CodeDeliveryFailure", "Unheard"],
)
async def test_echo_of_a_request_is_not_in_the_log(
    call: str, name: str, providing: Providing, cognito: ScriptedCognito
) -> None:
    """Whatever Cognito repeats of a request, the log has no secret and no identity of it."""
    cognito.answers(operation_of(call), echoing(f"{name}Exception"))

    with capture_logs() as logs, suppress(ServiceError):
        await MORE_CALLS[call](providing("aClientSecret", True))  # noqa: FBT003 -- a table's column

    logged = str(logs).lower()
    for value in (
        PASSWORD,
        NEW_PASSWORD,
        TOKEN,
        CODE,
        SESSION,
        USERNAME,
        "aClientSecret",
        "a-cred",
    ):
        assert value.lower() not in logged
