"""Responses to Cognito's refusals: through the real adapter, from a scripted Cognito."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

import jwt
import pytest
from structlog.testing import capture_logs

from service.api.routes import SIGNED_IN
from service.app import Adapters
from service.aws.clients import open_clients
from service.cognito.adapters import identity_provider
from service.config.loader import Settings
from tests.api.conftest import Api, Start
from tests.support.cognito_answers import USER_ID
from tests.support.configs import BREAKER_OFF, CREDENTIALS, configured
from tests.support.fakes.user_pool import SIGNING_KEY
from tests.support.scripted_cognito import ScriptedCognito, refusal, scripted_cognito

Serve: TypeAlias = Callable[..., Awaitable[Api]]

PASSWORD: Final = "Corr3ct-horse!"  # noqa: S105 -- of nobody
TOKEN: Final = jwt.encode({"sub": USER_ID, "token_use": "access"}, SIGNING_KEY, algorithm="HS256")
BEARER: Final = {"Authorization": f"Bearer {TOKEN}", "x-amzn-oidc-identity": USER_ID}
SOME_ID: Final = "tkn0000000000000000000000002"  # of a passkey or a session
SCOPE_MESSAGE: Final = "Access Token does not have required scopes"
SIGN_UP: Final = {"username": "alice", "password": PASSWORD}
RESET: Final = {"username": "alice", "code": "123456", "password": PASSWORD}
LOG_IN: Final = {"username": "alice", "password": PASSWORD}
BODIES: Final[Mapping[tuple[str, str], Mapping[str, object]]] = {
    ("POST", "/api/auth/password/change"): {
        "currentPassword": "old pass",
        "newPassword": "new pass",
    },
    ("PATCH", "/api/auth/me"): {"attributes": {"name": "Alice"}},
    ("POST", "/api/auth/me/verification"): {"attribute": "email"},
    ("POST", "/api/auth/me/verification/confirm"): {"attribute": "email", "code": "123456"},
    ("PUT", "/api/auth/mfa"): {"enabled": ["SMS_MFA"]},
    ("POST", "/api/auth/mfa/totp/verify"): {"code": "123456"},
    ("POST", "/api/auth/passkeys"): {"credential": {"id": "x"}},
    ("POST", "/api/auth/logout"): {"everywhere": True},
}
ACCOUNT_CALLS: Final = [
    *((route.method, route.path.replace("{id}", SOME_ID)) for route in SIGNED_IN),
    ("POST", "/api/auth/logout"),
]
OPERATIONS: Final = (
    "AssociateSoftwareToken", "ChangePassword", "CompleteWebAuthnRegistration", "DeleteUser",
    "DeleteWebAuthnCredential", "GetUser", "GetUserAttributeVerificationCode", "GetUserAuthFactors",
    "GlobalSignOut", "ListDevices", "ListUserSessions", "ListWebAuthnCredentials", "RevokeUserSession",
    "StartWebAuthnRegistration", "UpdateUserAttributes", "VerifySoftwareToken", "VerifyUserAttribute",
)  # fmt: skip


@pytest.fixture
async def cognito() -> AsyncIterator[ScriptedCognito]:
    """Serve a scripted Cognito."""
    async with scripted_cognito() as serving:
        yield serving


@pytest.fixture
async def serve(start: Start, memory: Adapters, cognito: ScriptedCognito) -> AsyncIterator[Serve]:
    """Return a function that starts the service with its adapter in front of the scripted Cognito."""
    upstream = {"aws.cognito": {"endpoint-url": cognito.url}}
    config = configured(upstream, BREAKER_OFF)
    async with open_clients(config, CREDENTIALS) as clients:

        async def served(settings: Settings | None = None) -> Api:
            layers = settings or {}
            provider = identity_provider(
                clients.cognito,
                config=config.cognito,
                trigger_messages=configured(layers).auth.trigger_messages,
            )
            return await start(layers, adapters=replace(memory, identity_provider=provider))

        yield served


async def _problem(
    api: Api, method: str, path: str, body: Mapping[str, object] | None
) -> tuple[int, Mapping[str, str], dict[str, Any]]:
    """Return the status, the headers and the body of a refusal."""
    answer = await api.request(method, path, json=body, headers=BEARER)
    return answer.status, answer.headers, await answer.json()


async def test_missing_scope_is_forbidden(serve: Serve, cognito: ScriptedCognito) -> None:
    """A token without Cognito's scope is 403 with the scope to request; the log says what to do."""
    api = await serve()
    for operation in OPERATIONS:
        cognito.answers(operation, refusal("NotAuthorizedException", SCOPE_MESSAGE))

    for method, path in ACCOUNT_CALLS:
        with capture_logs() as logs:
            status, headers, body = await _problem(api, method, path, BODIES.get((method, path)))

        assert (status, body["code"]) == (403, "insufficient_scope"), path
        assert headers["WWW-Authenticate"] == (
            'Bearer error="insufficient_scope", scope="aws.cognito.signin.user.admin"'
        )
        (event,) = (line for line in logs if line["event"] == "cognito_call_refused")
        assert event["message"] == SCOPE_MESSAGE
        assert "aws.cognito.signin.user.admin" in event["advice"]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("User is disabled.", "user_disabled"),
        ("User is not confirmed.", "user_not_confirmed"),
        ("Password reset required for the user", "password_reset_required"),
    ],
)
async def test_state_of_the_account_is_forbidden_without_a_challenge(
    serve: Serve, cognito: ScriptedCognito, message: str, code: str
) -> None:
    """The state of a known account is 403, which no refresh of the token would change."""
    cognito.answers("GetUser", refusal("NotAuthorizedException", message))

    status, headers, body = await _problem(await serve(), "GET", "/api/auth/me", None)

    assert (status, body["code"]) == (403, code)
    assert "WWW-Authenticate" not in headers


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("signup", SIGN_UP, "password"),
        ("password/reset", RESET, "password"),
        ("password/change", {"currentPassword": PASSWORD, "newPassword": PASSWORD}, "newPassword"),
        (
            "challenge",
            {
                "name": "NEW_PASSWORD_REQUIRED",
                "session": "a" * 20,
                "username": "alice",
                "answer": {"newPassword": PASSWORD},
            },
            "answer.newPassword",
        ),
    ],
)
async def test_white_space_around_a_new_password_is_refused(
    serve: Serve, cognito: ScriptedCognito, path: str, body: dict[str, Any], field: str
) -> None:
    """A new password with white space at its ends is 422 on its field, without a call to Cognito."""
    api = await serve()
    *_, name = field.split(".")
    for padded in (f" {PASSWORD}", f"{PASSWORD}\t", f"{PASSWORD}\n{PASSWORD}", " "):
        changed = {**body, "answer": {name: padded}} if "answer" in body else {**body, name: padded}

        status, _, refused = await _problem(api, "POST", f"/api/auth/{path}", changed)

        assert (status, [entry["field"] for entry in refused["errors"]]) == (422, [field])
    assert cognito.operations == []


async def test_white_space_inside_a_password_is_sent(
    serve: Serve, cognito: ScriptedCognito
) -> None:
    """White space inside a password is sent to Cognito as it is."""
    api = await serve()
    spaced = {**SIGN_UP, "password": "correct Horse 1 !"}

    answer = await api.post("/api/auth/signup", json=spaced)

    assert answer.status == 201
    assert cognito.arguments("SignUp")["Password"] == spaced["password"]


async def test_reason_of_cognito_is_in_the_log_alone(
    serve: Serve, cognito: ScriptedCognito
) -> None:
    """A missing attribute is 422 on that attribute in our words; Cognito's are in the log."""
    message = "Attributes did not conform to the schema: phoneNumbers: The attribute is required"
    cognito.answers("SignUp", refusal("InvalidParameterException", message))
    api = await serve()

    with capture_logs() as logs:
        status, _, body = await _problem(api, "POST", "/api/auth/signup", SIGN_UP)

    assert (status, body["code"]) == (422, "invalid_fields")
    assert body["errors"] == [
        {"field": "attributes.phone_number", "message": "This attribute is required."}
    ]
    assert "schema" not in str(body)
    assert message in [line.get("message") for line in logs]


async def test_factor_that_is_not_set_up_has_its_code(
    serve: Serve, cognito: ScriptedCognito
) -> None:
    """Preferring a second factor that the user lacks is mfa_not_configured."""
    message = "User does not have delivery config set to turn on SMS_MFA"
    cognito.answers("SetUserMFAPreference", refusal("InvalidParameterException", message))
    body = BODIES["PUT", "/api/auth/mfa"]

    status, _, refused = await _problem(await serve(), "PUT", "/api/auth/mfa", body)

    assert (status, refused["code"]) == (409, "mfa_not_configured")


TRIGGER: Final = "PreSignUp failed with error Only\r\n<b>example.com</b> \x1b[1m\u202emay sign up."


@pytest.mark.parametrize("shown", [True, False])
async def test_message_of_a_trigger_is_shown_by_setting(
    serve: Serve, cognito: ScriptedCognito, *, shown: bool
) -> None:
    """The trigger's own message is a member of the problem only by setting, and in the log always."""
    api = await serve({"auth": {"trigger-messages": str(shown).lower()}})
    cognito.answers("SignUp", refusal("UserLambdaValidationException", TRIGGER))

    with capture_logs() as logs:
        status, _, body = await _problem(api, "POST", "/api/auth/signup", SIGN_UP)

    own = "Only  <b>example.com</b>  [1m may sign up."
    assert (status, body["code"]) == (400, "rejected_by_policy")
    assert body.get("triggerMessage") == (own if shown else None)
    assert (own in str(body)) is shown
    (event,) = (line for line in logs if line["event"] == "cognito_call_refused")
    assert event["message"] == f"PreSignUp failed with error {own}"


async def test_long_message_of_a_trigger_is_cut(serve: Serve, cognito: ScriptedCognito) -> None:
    """The trigger's message has at most 300 characters, and an empty one is left out."""
    api = await serve({"auth": {"trigger-messages": "true"}})
    long = f"PreSignUp failed with error {'x' * 5_000}"
    cognito.answers(
        "SignUp",
        refusal("UserLambdaValidationException", long),
        refusal("UserLambdaValidationException", None),
    )

    cut = (await _problem(api, "POST", "/api/auth/signup", SIGN_UP))[2]
    absent = (await _problem(api, "POST", "/api/auth/signup", SIGN_UP))[2]

    assert set(cut["triggerMessage"]) == {"x"}
    assert len(cut["triggerMessage"]) <= 300
    assert "triggerMessage" not in absent


@pytest.mark.parametrize("path", ["resend", "password/forgot"])
async def test_message_of_a_trigger_does_not_reveal_accounts(
    serve: Serve, cognito: ScriptedCognito, path: str
) -> None:
    """A trigger that runs for existing users only is shown to nobody, even by setting."""
    api = await serve({"auth": {"trigger-messages": "true"}})
    for operation in ("ResendConfirmationCode", "ForgotPassword"):
        cognito.answers(operation, refusal("UserLambdaValidationException", TRIGGER))

    with capture_logs() as logs:
        answer = await api.post(f"/api/auth/{path}", json={"username": "alice"})

    assert (answer.status, await answer.json()) == (202, {})
    (event,) = (line for line in logs if line["event"] == "cognito_refusal_masked")
    assert "may sign up." in event["message"]


EXPIRED: Final = "Temporary password has expired and must be reset by an administrator."


async def test_expired_temporary_password_does_not_lock(
    serve: Serve, cognito: ScriptedCognito
) -> None:
    """An expired temporary password has its own code and is no wrong password to the lockout."""
    api = await serve()
    cognito.answers("InitiateAuth", refusal("NotAuthorizedException", EXPIRED))

    refused = [await _problem(api, "POST", "/api/auth/login", LOG_IN) for _ in range(12)]

    assert {(status, body["code"]) for status, _, body in refused} == {
        (403, "temporary_password_expired")
    }


async def test_expired_temporary_password_is_hidden_with_uniform_sign_up(
    serve: Serve, cognito: ScriptedCognito
) -> None:
    """With uniform sign-up it is a wrong password, byte for byte, and counts like one."""
    api = await serve({"auth": {"uniform-signup": "true"}, "limits": {"lockout-after": "3"}})
    wrong = "Incorrect username or password."
    answers = []
    for username, message in (("expired", EXPIRED), ("unknown", wrong)):
        cognito.answers("InitiateAuth", refusal("NotAuthorizedException", message))
        answers.append(
            [
                (status, {**body, "requestId": ""})
                for status, _, body in [
                    await _problem(api, "POST", "/api/auth/login", {**LOG_IN, "username": username})
                    for _ in range(4)
                ]
            ]
        )

    assert answers[0] == answers[1]
    assert [status for status, _ in answers[0]] == [401, 401, 401, 429]


@pytest.mark.parametrize(
    "states",
    [
        ("InvalidParameterException", "There is no registered/verified email or phone_number"),
        ("NotAuthorizedException", "User is disabled."),
        ("UserNotConfirmedException", "User is not confirmed."),
        ("LimitExceededException", "Attempt limit exceeded, please try after some time."),
    ],
)
async def test_reset_of_an_existing_user_is_that_of_an_unknown_one(
    serve: Serve, cognito: ScriptedCognito, states: tuple[str, str]
) -> None:
    """Whatever Cognito says of an existing user, the response is that for an unknown user."""
    api = await serve()
    answers = []
    for name, message in (states, ("ExpiredCodeException", "Invalid code provided")):
        cognito.answers("ConfirmForgotPassword", refusal(name, message))
        answer = await api.post("/api/auth/password/reset", json=RESET)
        answers.append((answer.status, {**await answer.json(), "requestId": ""}))

    assert answers[0] == answers[1]
