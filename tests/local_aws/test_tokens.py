"""Tokens say what AWS's say, live as long as the client says, and die when told."""

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest

from tests.local_aws.support import PASSWORD, Stage, refusal, refusal_type

REVOKED_ACCESS = ("NotAuthorizedException", "Access Token has been revoked")
REVOKED_REFRESH = ("NotAuthorizedException", "Refresh Token has been revoked")


def _claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


async def _refresh_auth(stage: Stage, token: str, app: str = "public") -> Any:  # noqa: ANN401 -- botocore's
    answer = await stage.cognito.initiate_auth(
        ClientId=stage.apps[app].client_id,
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": token},
    )
    return answer["AuthenticationResult"]


async def _revoke(stage: Stage, token: str, app: str = "public") -> None:
    await stage.cognito.revoke_token(ClientId=stage.apps[app].client_id, Token=token)


async def test_claims_are_those_of_cognito(stage: Stage) -> None:
    """The id token has the attributes, flags as booleans; the access token has none."""
    username = await stage.member(name="Alice")
    tokens = await stage.tokens(username)
    identity, access = _claims(tokens["IdToken"]), _claims(tokens["AccessToken"])
    assert identity["email_verified"] is True
    assert identity["name"] == "Alice"
    assert identity["cognito:username"] == access["username"] == username
    assert identity["aud"] == access["client_id"] == stage.apps["public"].client_id
    assert identity["sub"] == access["sub"]
    assert identity["origin_jti"] == access["origin_jti"]
    assert "email" not in access


async def test_groups_are_in_both_tokens(stage: Stage) -> None:
    """Groups are a claim once there are any."""
    username = await stage.member()
    pool_id = stage.apps["public"].pool_id
    await stage.cognito.create_group(UserPoolId=pool_id, GroupName=f"g-{username}")
    await stage.cognito.admin_add_user_to_group(
        UserPoolId=pool_id, GroupName=f"g-{username}", Username=username
    )
    tokens = await stage.tokens(username)
    for token in (tokens["IdToken"], tokens["AccessToken"]):
        assert _claims(token)["cognito:groups"] == [f"g-{username}"]


async def test_user_of_an_email_pool_is_named_by_the_sub(stage: Stage) -> None:
    """The address is an attribute there; the tokens name the sub."""
    email = await stage.member("email", f"{await stage.sign_up()}@example.com")
    tokens = await stage.tokens(email, "email")
    claims = _claims(tokens["IdToken"])
    assert claims["email"] == email
    assert claims["cognito:username"] == claims["sub"]
    assert _claims(tokens["AccessToken"])["username"] == claims["sub"]


async def test_client_reads_only_what_it_may(stage: Stage) -> None:
    """ReadAttributes bound the id token and GetUser."""
    username = await stage.member(name="Alice")
    tokens = await stage.tokens(username, "narrow")
    assert "name" not in _claims(tokens["IdToken"])
    assert set(await stage.attributes(tokens["AccessToken"])) == {"sub", "email"}


async def test_tokens_live_as_long_as_the_client_says(stage: Stage) -> None:
    """Validities and their units count, in exp and in ExpiresIn."""
    username = await stage.member()
    tokens = await stage.tokens(username, "brief")
    now = stage.clock.seconds
    assert tokens["ExpiresIn"] == 300
    assert _claims(tokens["AccessToken"])["exp"] == int(now) + 300
    assert _claims(tokens["IdToken"])["exp"] == int(now) + 600
    stage.clock.advance(300)
    assert await refusal(stage.attributes(tokens["AccessToken"])) == (
        "NotAuthorizedException",
        "Access Token has expired",
    )
    again = await _refresh_auth(stage, tokens["RefreshToken"], "brief")
    assert _claims(again["IdToken"])["auth_time"] == int(now)
    assert _claims(again["IdToken"])["iat"] == int(now) + 300
    stage.clock.advance(2 * 3600)
    assert await refusal(_refresh_auth(stage, tokens["RefreshToken"], "brief")) == (
        "NotAuthorizedException",
        "Refresh Token has expired",
    )


async def test_default_validity_is_an_hour(stage: Stage) -> None:
    """A client that says nothing gets tokens for an hour."""
    assert (await stage.tokens(await stage.member()))["ExpiresIn"] == 3600


async def test_refresh_token_is_long_and_not_a_jwt(stage: Stage) -> None:
    """Cognito's refresh tokens are encrypted, over a thousand characters."""
    token = (await stage.tokens(await stage.member()))["RefreshToken"]
    assert len(token) > 1000
    assert token.count(".") == 4


async def test_foreign_token_is_refused(stage: Stage) -> None:
    """An id token, or anything else, is no access token."""
    token = (await stage.tokens(await stage.member()))["IdToken"]
    assert await refusal(stage.attributes(token)) == (
        "NotAuthorizedException",
        "Invalid Access Token",
    )


async def test_refresh_keeps_the_refresh_token(stage: Stage) -> None:
    """Without rotation a refresh gives new id and access tokens only."""
    token = (await stage.tokens(await stage.member()))["RefreshToken"]
    for result in (await _refresh_auth(stage, token), await stage.refresh(token)):
        assert "RefreshToken" not in result
        assert result["TokenType"] == "Bearer"
        await stage.attributes(result["AccessToken"])


async def test_refresh_token_of_another_client_is_refused(stage: Stage) -> None:
    """A refresh token works for the client that it was given to."""
    token = (await stage.tokens(await stage.member()))["RefreshToken"]
    invalid = ("NotAuthorizedException", "Invalid Refresh Token")
    assert await refusal(stage.refresh(token, "narrow")) == invalid
    assert await refusal(_refresh_auth(stage, token, "narrow")) == invalid
    assert await refusal(stage.refresh("made.up")) == invalid


async def test_rotated_token_is_refused(stage: Stage) -> None:
    """With rotation each refresh token works once."""
    username = await stage.member()
    first = (await stage.tokens(username, "rotating"))["RefreshToken"]
    second = (await stage.refresh(first, "rotating"))["RefreshToken"]
    assert await refusal_type(stage.refresh(first, "rotating")) == "RefreshTokenReuseException"
    assert (await stage.refresh(second, "rotating"))["AccessToken"]


async def test_rotated_token_works_in_its_grace_period(stage: Stage) -> None:
    """A client may ask for some seconds in which a lost answer can be asked for again."""
    username = await stage.member()
    first = (await stage.tokens(username, "patient"))["RefreshToken"]
    await stage.refresh(first, "patient")
    stage.clock.advance(9)
    await stage.refresh(first, "patient")
    stage.clock.advance(1)
    assert await refusal_type(stage.refresh(first, "patient")) == "RefreshTokenReuseException"


async def test_revoked_token_and_its_children_die(stage: Stage) -> None:
    """Revocation ends one sign-in and no other."""
    username = await stage.member()
    here, there = await stage.tokens(username), await stage.tokens(username)
    child = await stage.refresh(here["RefreshToken"])
    await _revoke(stage, here["RefreshToken"])
    await _revoke(stage, here["RefreshToken"])
    assert await refusal(stage.refresh(here["RefreshToken"])) == REVOKED_REFRESH
    assert await refusal(_refresh_auth(stage, here["RefreshToken"])) == REVOKED_REFRESH
    assert await refusal(stage.attributes(here["AccessToken"])) == REVOKED_ACCESS
    assert await refusal(stage.attributes(child["AccessToken"])) == REVOKED_ACCESS
    await stage.attributes(there["AccessToken"])
    await stage.refresh(there["RefreshToken"])


async def test_unknown_token_is_revoked_already(stage: Stage) -> None:
    """Revoking what does not exist is no error."""
    await _revoke(stage, "made-up")


async def test_only_refresh_tokens_can_be_revoked(stage: Stage) -> None:
    """An access token is of the wrong type."""
    token = (await stage.tokens(await stage.member()))["AccessToken"]
    assert await refusal_type(_revoke(stage, token)) == "UnsupportedTokenTypeException"


async def test_another_client_cannot_revoke(stage: Stage) -> None:
    """A client revokes its own tokens."""
    token = (await stage.tokens(await stage.member()))["RefreshToken"]
    assert await refusal_type(_revoke(stage, token, "narrow")) == "UnauthorizedException"


async def test_client_may_be_without_revocation(stage: Stage) -> None:
    """Revocation can be switched off."""
    token = (await stage.tokens(await stage.member(), "irrevocable"))["RefreshToken"]
    revoked = _revoke(stage, token, "irrevocable")
    assert await refusal_type(revoked) == "UnsupportedOperationException"


async def test_global_sign_out_ends_every_sign_in(stage: Stage) -> None:
    """All tokens of the user die, in a region that the unsigned call does not name."""
    username = await stage.member()
    here, there = await stage.tokens(username), await stage.tokens(username, "narrow")
    await stage.cognito.global_sign_out(AccessToken=here["AccessToken"])
    for tokens in (here, there):
        assert await refusal(stage.attributes(tokens["AccessToken"])) == REVOKED_ACCESS
    assert await refusal(stage.refresh(here["RefreshToken"])) == REVOKED_REFRESH
    signed_out = stage.cognito.global_sign_out(AccessToken=here["AccessToken"])
    assert await refusal(signed_out) == REVOKED_ACCESS


async def test_tokens_of_a_deleted_user_die(stage: Stage) -> None:
    """DeleteUser takes the groups, the tokens and the name; the name is free again."""
    username = await stage.member()
    pool_id = stage.apps["public"].pool_id
    await stage.cognito.create_group(UserPoolId=pool_id, GroupName=f"g-{username}")
    await stage.cognito.admin_add_user_to_group(
        UserPoolId=pool_id, GroupName=f"g-{username}", Username=username
    )
    tokens = await stage.tokens(username)
    await stage.cognito.delete_user(AccessToken=tokens["AccessToken"])
    gone = ("UserNotFoundException", "User does not exist.")
    assert await refusal(stage.attributes(tokens["AccessToken"])) == gone
    assert await refusal(stage.refresh(tokens["RefreshToken"])) == REVOKED_REFRESH
    assert await refusal(stage.tokens(username)) == gone
    left = await stage.cognito.list_users_in_group(UserPoolId=pool_id, GroupName=f"g-{username}")
    assert left["Users"] == []
    await stage.member(username=username)
    assert await refusal(stage.attributes(tokens["AccessToken"])) == gone


async def test_tokens_of_a_deleted_pool_die(stage: Stage) -> None:
    """Nothing outlives its pool."""
    pool = await stage.cognito.create_user_pool(PoolName="short-lived")
    pool_id = pool["UserPool"]["Id"]
    made = await stage.cognito.create_user_pool_client(
        UserPoolId=pool_id, ClientName="c", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )
    client_id = made["UserPoolClient"]["ClientId"]
    await stage.cognito.sign_up(ClientId=client_id, Username="short-lived", Password=PASSWORD)
    await stage.cognito.admin_confirm_sign_up(UserPoolId=pool_id, Username="short-lived")
    answer = await stage.cognito.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "short-lived", "PASSWORD": PASSWORD},
    )
    await stage.cognito.delete_user_pool(UserPoolId=pool_id)
    access = answer["AuthenticationResult"]["AccessToken"]
    assert await refusal_type(stage.attributes(access)) == "ResourceNotFoundException"


@pytest.mark.parametrize("minutes", [4, 1441])
async def test_validity_out_of_range_is_refused(stage: Stage, minutes: int) -> None:
    """Access tokens live from five minutes to a day."""
    created = stage.cognito.create_user_pool_client(
        UserPoolId=stage.apps["public"].pool_id,
        ClientName="x",
        AccessTokenValidity=minutes,
        TokenValidityUnits={"AccessToken": "minutes"},
    )
    assert await refusal_type(created) == "InvalidParameterException"


async def test_rotation_excludes_the_refresh_flow(stage: Stage) -> None:
    """A client that rotates refreshes with GetTokensFromRefreshToken alone."""
    created = stage.cognito.create_user_pool_client(
        UserPoolId=stage.apps["public"].pool_id,
        ClientName="x",
        ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"],
        RefreshTokenRotation={"Feature": "ENABLED"},
    )
    assert await refusal_type(created) == "InvalidParameterException"
