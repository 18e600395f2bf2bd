"""A client with a secret proves it in every call, and one without sends nothing."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.local_aws.support import PASSWORD, AppClient, Harness, refusal

TOO_WEAK = "xx"  # so that nobody is really signed up

Send = Callable[[Harness, AppClient, dict[str, str]], Any]


def _sign_up(harness: Harness, app: AppClient, hashed: dict[str, str]) -> Any:  # noqa: ANN401 -- an awaitable
    return harness.cognito.sign_up(
        ClientId=app.client_id, Username="nobody", Password=TOO_WEAK, **_api(hashed)
    )


def _confirm(harness: Harness, app: AppClient, hashed: dict[str, str]) -> Any:  # noqa: ANN401 -- an awaitable
    return harness.cognito.confirm_sign_up(
        ClientId=app.client_id, Username="nobody", ConfirmationCode="1", **_api(hashed)
    )


def _resend(harness: Harness, app: AppClient, hashed: dict[str, str]) -> Any:  # noqa: ANN401 -- an awaitable
    return harness.cognito.resend_confirmation_code(
        ClientId=app.client_id, Username="nobody", **_api(hashed)
    )


def _forgot(harness: Harness, app: AppClient, hashed: dict[str, str]) -> Any:  # noqa: ANN401 -- an awaitable
    return harness.cognito.forgot_password(
        ClientId=app.client_id, Username="nobody", **_api(hashed)
    )


def _reset(harness: Harness, app: AppClient, hashed: dict[str, str]) -> Any:  # noqa: ANN401 -- an awaitable
    return harness.cognito.confirm_forgot_password(
        ClientId=app.client_id,
        Username="nobody",
        ConfirmationCode="1",
        Password=PASSWORD,
        **_api(hashed),
    )


def _login(harness: Harness, app: AppClient, hashed: dict[str, str]) -> Any:  # noqa: ANN401 -- an awaitable
    return harness.cognito.initiate_auth(
        ClientId=app.client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "nobody", "PASSWORD": "x", **hashed},
    )


def _respond(harness: Harness, app: AppClient, hashed: dict[str, str]) -> Any:  # noqa: ANN401 -- an awaitable
    return harness.cognito.respond_to_auth_challenge(
        ClientId=app.client_id,
        ChallengeName="SOFTWARE_TOKEN_MFA",
        Session="x" * 20,
        ChallengeResponses={"USERNAME": "nobody", **hashed},
    )


def _api(hashed: dict[str, str]) -> dict[str, Any]:
    return {"SecretHash": hashed["SECRET_HASH"]} if hashed else {}


CALLS = [_sign_up, _confirm, _resend, _forgot, _reset, _login, _respond]
every_call = pytest.mark.parametrize("send", CALLS, ids=lambda call: call.__name__.strip("_"))


@every_call
async def test_missing_hash_is_refused(harness: Harness, send: Send) -> None:
    """A client with a secret always sends its hash."""
    app = harness.apps["secret"]
    assert await refusal(send(harness, app, {})) == (
        "NotAuthorizedException",
        f"Client {app.client_id} is configured for secret but secret was not received",
    )


@every_call
async def test_wrong_hash_is_refused(harness: Harness, send: Send) -> None:
    """The hash is over the user name and the client."""
    app = harness.apps["secret"]
    assert await refusal(send(harness, app, {"SECRET_HASH": app.hash("somebody")})) == (
        "NotAuthorizedException",
        f"SecretHash does not match for the client: {app.client_id}",
    )


@every_call
async def test_hash_of_a_public_client_is_refused(harness: Harness, send: Send) -> None:
    """A client without a secret has no hash to send."""
    app = harness.apps["public"]
    assert await refusal(send(harness, app, {"SECRET_HASH": app.hash("nobody")})) == (
        "NotAuthorizedException",
        f"Unable to verify secret hash for client {app.client_id}",
    )


@every_call
async def test_right_hash_lets_the_call_through(harness: Harness, send: Send) -> None:
    """With the right hash the call fails for its own reason: nobody exists."""
    app = harness.apps["secret"]
    _, message = await refusal(send(harness, app, {"SECRET_HASH": app.hash("nobody")}))
    assert "secret" not in message.lower()


async def test_refresh_hashes_the_real_user_name(harness: Harness) -> None:
    """Where the address is the user name, the hash for a refresh is over the sub."""
    app = harness.apps["email_secret"]
    email = await harness.member("email", f"{await harness.sign_up()}@example.com")
    given = {"USERNAME": email, "PASSWORD": PASSWORD, "SECRET_HASH": app.hash(email)}
    answer = await harness.cognito.initiate_auth(
        ClientId=app.client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=given
    )
    tokens = answer["AuthenticationResult"]
    sub = (await harness.attributes(tokens["AccessToken"]))["sub"]

    async def refresh(name: str) -> Any:  # noqa: ANN401 -- botocore's
        return await harness.cognito.initiate_auth(
            ClientId=app.client_id,
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={
                "REFRESH_TOKEN": tokens["RefreshToken"],
                "SECRET_HASH": app.hash(name),
            },
        )

    assert await refusal(refresh(email)) == (
        "NotAuthorizedException",
        f"SecretHash does not match for the client: {app.client_id}",
    )
    assert (await refresh(sub))["AuthenticationResult"]["IdToken"]


@pytest.mark.parametrize(
    ("app", "secret"),
    [("secret", None), ("secret", "wrong"), ("public", "any")],
    ids=["missing", "wrong", "public"],
)
async def test_plain_secret_must_fit(harness: Harness, app: str, secret: str | None) -> None:
    """The newer calls take the secret itself."""
    given: Any = {"ClientId": harness.apps[app].client_id}
    if secret is not None:
        given["ClientSecret"] = secret
    refresh = harness.cognito.get_tokens_from_refresh_token(RefreshToken="x.y.z", **given)
    revoke = harness.cognito.revoke_token(Token="x.y.z", **given)  # noqa: S106 -- no token
    assert (await refusal(refresh))[0] == "NotAuthorizedException"
    assert (await refusal(revoke))[0] == "UnauthorizedException"


async def test_plain_secret_refreshes_and_revokes(harness: Harness) -> None:
    """The secret that CreateUserPoolClient gave is accepted by the API's own model."""
    app = harness.apps["secret"]
    username = await harness.member()
    given = {"USERNAME": username, "PASSWORD": PASSWORD, "SECRET_HASH": app.hash(username)}
    answer = await harness.cognito.initiate_auth(
        ClientId=app.client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=given
    )
    token = answer["AuthenticationResult"]["RefreshToken"]
    secret = app.secret or ""
    await harness.cognito.get_tokens_from_refresh_token(
        ClientId=app.client_id, ClientSecret=secret, RefreshToken=token
    )
    await harness.cognito.revoke_token(ClientId=app.client_id, ClientSecret=secret, Token=token)
