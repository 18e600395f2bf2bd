"""A client with a secret proves it in every call, and one without sends nothing."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.local_aws.support import PASSWORD, AppClient, Stage, refusal

TOO_WEAK = "x"  # so that nobody is really signed up

Send = Callable[[Stage, AppClient, dict[str, str]], Any]


def _sign_up(stage: Stage, app: AppClient, hashed: dict[str, str]) -> Any:  # noqa: ANN401 -- an awaitable
    return stage.cognito.sign_up(
        ClientId=app.client_id, Username="nobody", Password=TOO_WEAK, **_api(hashed)
    )


def _confirm(stage: Stage, app: AppClient, hashed: dict[str, str]) -> Any:  # noqa: ANN401 -- an awaitable
    return stage.cognito.confirm_sign_up(
        ClientId=app.client_id, Username="nobody", ConfirmationCode="1", **_api(hashed)
    )


def _resend(stage: Stage, app: AppClient, hashed: dict[str, str]) -> Any:  # noqa: ANN401 -- an awaitable
    return stage.cognito.resend_confirmation_code(
        ClientId=app.client_id, Username="nobody", **_api(hashed)
    )


def _forgot(stage: Stage, app: AppClient, hashed: dict[str, str]) -> Any:  # noqa: ANN401 -- an awaitable
    return stage.cognito.forgot_password(ClientId=app.client_id, Username="nobody", **_api(hashed))


def _reset(stage: Stage, app: AppClient, hashed: dict[str, str]) -> Any:  # noqa: ANN401 -- an awaitable
    return stage.cognito.confirm_forgot_password(
        ClientId=app.client_id,
        Username="nobody",
        ConfirmationCode="1",
        Password=PASSWORD,
        **_api(hashed),
    )


def _login(stage: Stage, app: AppClient, hashed: dict[str, str]) -> Any:  # noqa: ANN401 -- an awaitable
    return stage.cognito.initiate_auth(
        ClientId=app.client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "nobody", "PASSWORD": "x", **hashed},
    )


def _respond(stage: Stage, app: AppClient, hashed: dict[str, str]) -> Any:  # noqa: ANN401 -- an awaitable
    return stage.cognito.respond_to_auth_challenge(
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
async def test_missing_hash_is_refused(stage: Stage, send: Send) -> None:
    """A client with a secret always sends its hash."""
    app = stage.apps["secret"]
    assert await refusal(send(stage, app, {})) == (
        "NotAuthorizedException",
        f"Client {app.client_id} is configured for secret but secret was not received",
    )


@every_call
async def test_wrong_hash_is_refused(stage: Stage, send: Send) -> None:
    """The hash is over the user name and the client."""
    app = stage.apps["secret"]
    assert await refusal(send(stage, app, {"SECRET_HASH": app.hash("somebody")})) == (
        "NotAuthorizedException",
        f"SecretHash does not match for the client: {app.client_id}",
    )


@every_call
async def test_hash_of_a_public_client_is_refused(stage: Stage, send: Send) -> None:
    """A client without a secret has no hash to send."""
    app = stage.apps["public"]
    assert await refusal(send(stage, app, {"SECRET_HASH": app.hash("nobody")})) == (
        "NotAuthorizedException",
        f"Unable to verify secret hash for client {app.client_id}",
    )


@every_call
async def test_right_hash_lets_the_call_through(stage: Stage, send: Send) -> None:
    """With the right hash the call fails for its own reason: nobody exists."""
    app = stage.apps["secret"]
    _, message = await refusal(send(stage, app, {"SECRET_HASH": app.hash("nobody")}))
    assert "secret" not in message.lower()


async def test_refresh_hashes_the_real_user_name(stage: Stage) -> None:
    """Where the address is the user name, the hash for a refresh is over the sub."""
    app = stage.apps["email_secret"]
    email = await stage.member("email", f"{await stage.sign_up()}@example.com")
    given = {"USERNAME": email, "PASSWORD": PASSWORD, "SECRET_HASH": app.hash(email)}
    answer = await stage.cognito.initiate_auth(
        ClientId=app.client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=given
    )
    tokens = answer["AuthenticationResult"]
    sub = (await stage.attributes(tokens["AccessToken"]))["sub"]

    async def refresh(name: str) -> Any:  # noqa: ANN401 -- botocore's
        return await stage.cognito.initiate_auth(
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
async def test_plain_secret_must_fit(stage: Stage, app: str, secret: str | None) -> None:
    """The newer calls take the secret itself."""
    given: Any = {"ClientId": stage.apps[app].client_id}
    if secret is not None:
        given["ClientSecret"] = secret
    refresh = stage.cognito.get_tokens_from_refresh_token(RefreshToken="x.y.z", **given)
    revoke = stage.cognito.revoke_token(Token="x.y.z", **given)  # noqa: S106 -- no token
    assert (await refusal(refresh))[0] == "NotAuthorizedException"
    assert (await refusal(revoke))[0] == "UnauthorizedException"


async def test_plain_secret_refreshes_and_revokes(stage: Stage) -> None:
    """The secret that CreateUserPoolClient gave is accepted by the API's own model."""
    app = stage.apps["secret"]
    username = await stage.member()
    given = {"USERNAME": username, "PASSWORD": PASSWORD, "SECRET_HASH": app.hash(username)}
    answer = await stage.cognito.initiate_auth(
        ClientId=app.client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=given
    )
    token = answer["AuthenticationResult"]["RefreshToken"]
    secret = app.secret or ""
    await stage.cognito.get_tokens_from_refresh_token(
        ClientId=app.client_id, ClientSecret=secret, RefreshToken=token
    )
    await stage.cognito.revoke_token(ClientId=app.client_id, ClientSecret=secret, Token=token)
