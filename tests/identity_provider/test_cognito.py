"""What only the Cognito adapter does: challenges, rotation, and answers that are not as documented."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import jwt
import pytest
from aiohttp import web

from service import aws
from service.config import Config
from service.domain.accounts import Challenge, NewAccount
from service.domain.errors import Misconfigured, UpstreamFault
from service.identity_provider.cognito import CognitoIdentityProvider
from service.identity_provider.secret_hash import secret_hash
from tests.stage import CREDENTIALS, PASSWORD, new_user

KEY = "a key of thirty-two bytes or more"  # PyJWT warns of shorter ones
ID_TOKEN = jwt.encode({"sub": "the-sub"}, KEY, algorithm="HS256")
Answering = Callable[[dict[str, object]], None]


@pytest.fixture
async def scripted(config: Config) -> AsyncIterator[tuple[CognitoIdentityProvider, Answering]]:
    """Run an endpoint that answers what it is told to, and a provider in front of it."""
    script: dict[str, object] = {}

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.json_response(script, status=400 if "__type" in script else 200)

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    cognito = replace(config.cognito, endpoint_url=f"http://{host}:{port}")
    async with aws.clients(replace(config, cognito=cognito), CREDENTIALS) as clients:
        yield CognitoIdentityProvider(clients.cognito, config=cognito), script.update
    await runner.cleanup()


async def test_challenge_is_handed_on(
    scripted: tuple[CognitoIdentityProvider, Answering],
) -> None:
    """What Cognito asks for before it gives tokens comes out in its own names."""
    provider, answering = scripted
    answering(
        {
            "ChallengeName": "SELECT_CHALLENGE",
            "Session": "s" * 20,
            "ChallengeParameters": {"USERNAME": "alice"},
            "AvailableChallenges": ["PASSWORD", "WEB_AUTHN"],
        }
    )

    assert await provider.log_in("alice", "x") == Challenge(
        "SELECT_CHALLENGE", "s" * 20, {"USERNAME": "alice"}, ("PASSWORD", "WEB_AUTHN")
    )


async def test_rotated_refresh_token_is_handed_on(
    scripted: tuple[CognitoIdentityProvider, Answering],
) -> None:
    """Where the pool rotates, the caller gets the new refresh token."""
    provider, answering = scripted
    tokens = {"IdToken": ID_TOKEN, "AccessToken": "a", "RefreshToken": "new", "ExpiresIn": 300}
    answering({"AuthenticationResult": tokens})

    refreshed = await provider.refresh("old")

    assert (refreshed.user_id, refreshed.refresh_token, refreshed.expires_in_s) == (
        "the-sub",
        "new",
        300,
    )


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"AccessToken": "a", "ExpiresIn": 300},
        {"IdToken": "no token", "AccessToken": "a", "ExpiresIn": 300},
        {
            "IdToken": jwt.encode({}, KEY, algorithm="HS256"),
            "AccessToken": "a",
            "ExpiresIn": 300,
        },
    ],
    ids=["nothing", "no id token", "an id token that is none", "an id token without sub"],
)
async def test_answer_without_what_it_must_hold_is_a_fault(
    scripted: tuple[CognitoIdentityProvider, Answering], result: dict[str, object]
) -> None:
    """An answer that is not as documented is the upstream's fault, not a defect of ours."""
    provider, answering = scripted
    answering({"AuthenticationResult": result})

    with pytest.raises(UpstreamFault):
        await provider.log_in("alice", "x")


async def test_page_in_place_of_an_answer_is_a_fault(
    scripted: tuple[CognitoIdentityProvider, Answering],
) -> None:
    """What a proxy puts in place of an answer is no account."""
    provider, _ = scripted

    with pytest.raises(UpstreamFault):
        await provider.sign_up(NewAccount("alice", PASSWORD))


@pytest.mark.parametrize("kind", ["UnauthorizedException", "UnsupportedTokenTypeException"])
async def test_token_without_a_session_is_revoked_without_a_word(
    scripted: tuple[CognitoIdentityProvider, Answering], kind: str
) -> None:
    """Another client's token, or one of another kind, has no session here to end."""
    provider, answering = scripted
    answering({"__type": kind, "message": "of an upstream"})

    await provider.revoke("token")


async def test_refused_resend_is_silent(
    scripted: tuple[CognitoIdentityProvider, Answering],
) -> None:
    """That a user may get no code is not told, for whatever reason of the user's."""
    provider, answering = scripted
    answering({"__type": "NotAuthorizedException", "message": "User is disabled."})

    await provider.resend_code("alice")


async def test_wrong_client_secret_is_misconfigured(clients: aws.Clients, config: Config) -> None:
    """A secret for a client that has none is the operator's mistake, not the caller's."""
    wrong = replace(config.cognito, client_secret="wrong")  # noqa: S106 -- it is no secret
    provider = CognitoIdentityProvider(clients.cognito, config=wrong)

    with pytest.raises(Misconfigured):
        await provider.log_in("alice", "x")
    with pytest.raises(Misconfigured):
        await provider.resend_code("alice")


async def test_resend_to_a_disabled_user_is_silent(clients: aws.Clients, config: Config) -> None:
    """That an account is disabled is not told either."""
    provider = CognitoIdentityProvider(clients.cognito, config=config.cognito)
    username = new_user()
    await provider.sign_up(NewAccount(username, PASSWORD, {"email": username}))
    await clients.cognito.admin_disable_user(
        UserPoolId=config.cognito.user_pool_id, Username=username
    )

    await provider.resend_code(username)


def test_secret_hash_is_as_the_guide_defines_it() -> None:
    """Base64 of HMAC-SHA256 over user name and client id; computed once with openssl."""
    assert (
        secret_hash("client", "secret", "alice") == "RTsve+FQ659UKyESgvLg9GYmZEL+QjzQsW/OjL77/b0="
    )
