"""Tokens say what AWS's say, live as long as the client says, and die when told."""

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest

from tests.local_aws.support import PASSWORD, Harness, refusal, refusal_type

REVOKED_ACCESS = ("NotAuthorizedException", "Access Token has been revoked")
REVOKED_REFRESH = ("NotAuthorizedException", "Refresh Token has been revoked")


def _claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


async def _refresh_auth(harness: Harness, token: str, app: str = "public") -> Any:  # noqa: ANN401 -- botocore's
    answer = await harness.cognito.initiate_auth(
        ClientId=harness.apps[app].client_id,
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": token},
    )
    return answer["AuthenticationResult"]


async def _revoke(harness: Harness, token: str, app: str = "public") -> None:
    await harness.cognito.revoke_token(ClientId=harness.apps[app].client_id, Token=token)


async def test_claims_are_those_of_cognito(harness: Harness) -> None:
    """The id token has the attributes, flags as booleans; the access token has none."""
    username = await harness.member(name="Alice")
    tokens = await harness.tokens(username)
    identity, access = _claims(tokens["IdToken"]), _claims(tokens["AccessToken"])
    assert identity["email_verified"] is True
    assert identity["name"] == "Alice"
    assert identity["cognito:username"] == access["username"] == username
    assert identity["aud"] == access["client_id"] == harness.apps["public"].client_id
    assert identity["sub"] == access["sub"]
    assert identity["origin_jti"] == access["origin_jti"]
    assert "email" not in access


async def test_groups_are_in_both_tokens(harness: Harness) -> None:
    """Groups are a claim once there are any."""
    username = await harness.member()
    pool_id = harness.apps["public"].pool_id
    await harness.cognito.create_group(UserPoolId=pool_id, GroupName=f"g-{username}")
    await harness.cognito.admin_add_user_to_group(
        UserPoolId=pool_id, GroupName=f"g-{username}", Username=username
    )
    tokens = await harness.tokens(username)
    for token in (tokens["IdToken"], tokens["AccessToken"]):
        assert _claims(token)["cognito:groups"] == [f"g-{username}"]


async def test_user_of_an_email_pool_is_named_by_the_sub(harness: Harness) -> None:
    """The address is an attribute there; the tokens name the sub."""
    email = await harness.member("email", f"{await harness.sign_up()}@example.com")
    tokens = await harness.tokens(email, "email")
    claims = _claims(tokens["IdToken"])
    assert claims["email"] == email
    assert claims["cognito:username"] == claims["sub"]
    assert _claims(tokens["AccessToken"])["username"] == claims["sub"]


async def test_client_reads_only_what_it_may(harness: Harness) -> None:
    """ReadAttributes bound the id token and GetUser."""
    username = await harness.member(name="Alice")
    tokens = await harness.tokens(username, "narrow")
    assert "name" not in _claims(tokens["IdToken"])
    assert set(await harness.attributes(tokens["AccessToken"])) == {"sub", "email"}


async def test_tokens_live_as_long_as_the_client_says(harness: Harness) -> None:
    """Validities and their units count, in exp and in ExpiresIn."""
    username = await harness.member()
    tokens = await harness.tokens(username, "brief")
    now = harness.clock.seconds
    assert tokens["ExpiresIn"] == 300
    assert _claims(tokens["AccessToken"])["exp"] == int(now) + 300
    assert _claims(tokens["IdToken"])["exp"] == int(now) + 600
    harness.clock.advance(300)
    assert await refusal(harness.attributes(tokens["AccessToken"])) == (
        "NotAuthorizedException",
        "Access Token has expired",
    )
    again = await _refresh_auth(harness, tokens["RefreshToken"], "brief")
    assert _claims(again["IdToken"])["auth_time"] == int(now)
    assert _claims(again["IdToken"])["iat"] == int(now) + 300
    harness.clock.advance(2 * 3600)
    assert await refusal(_refresh_auth(harness, tokens["RefreshToken"], "brief")) == (
        "NotAuthorizedException",
        "Refresh Token has expired",
    )


async def test_default_validity_is_an_hour(harness: Harness) -> None:
    """A client that says nothing gets tokens for an hour."""
    assert (await harness.tokens(await harness.member()))["ExpiresIn"] == 3600


async def test_refresh_token_is_long_and_not_a_jwt(harness: Harness) -> None:
    """Cognito's refresh tokens are encrypted, over a thousand characters."""
    token = (await harness.tokens(await harness.member()))["RefreshToken"]
    assert len(token) > 1000
    assert token.count(".") == 4


async def test_foreign_token_is_refused(harness: Harness) -> None:
    """An id token, or anything else, is no access token."""
    token = (await harness.tokens(await harness.member()))["IdToken"]
    assert await refusal(harness.attributes(token)) == (
        "NotAuthorizedException",
        "Invalid Access Token",
    )


async def test_refresh_keeps_the_refresh_token(harness: Harness) -> None:
    """Without rotation a refresh gives new id and access tokens only."""
    token = (await harness.tokens(await harness.member()))["RefreshToken"]
    for result in (await _refresh_auth(harness, token), await harness.refresh(token)):
        assert "RefreshToken" not in result
        assert result["TokenType"] == "Bearer"
        await harness.attributes(result["AccessToken"])


async def test_refresh_token_of_another_client_is_refused(harness: Harness) -> None:
    """A refresh token works for the client that it was given to."""
    token = (await harness.tokens(await harness.member()))["RefreshToken"]
    others = ("NotAuthorizedException", "Refresh Token has different Client.")
    assert await refusal(harness.refresh(token, "narrow")) == others
    assert await refusal(_refresh_auth(harness, token, "narrow")) == others
    unknown = ("NotAuthorizedException", "Invalid Refresh Token.")
    assert await refusal(harness.refresh("made.up")) == unknown


async def test_rotated_token_is_refused(harness: Harness) -> None:
    """With rotation each refresh token works once."""
    username = await harness.member()
    first = (await harness.tokens(username, "rotating"))["RefreshToken"]
    second = (await harness.refresh(first, "rotating"))["RefreshToken"]
    assert await refusal_type(harness.refresh(first, "rotating")) == "RefreshTokenReuseException"
    assert (await harness.refresh(second, "rotating"))["AccessToken"]


async def test_rotated_token_works_in_its_grace_period(harness: Harness) -> None:
    """A client may ask for some seconds in which a lost answer can be asked for again."""
    username = await harness.member()
    first = (await harness.tokens(username, "patient"))["RefreshToken"]
    await harness.refresh(first, "patient")
    harness.clock.advance(9)
    await harness.refresh(first, "patient")
    harness.clock.advance(1)
    assert await refusal_type(harness.refresh(first, "patient")) == "RefreshTokenReuseException"


async def test_revoked_token_and_its_children_die(harness: Harness) -> None:
    """Revocation ends one sign-in and no other."""
    username = await harness.member()
    here, there = await harness.tokens(username), await harness.tokens(username)
    child = await harness.refresh(here["RefreshToken"])
    await _revoke(harness, here["RefreshToken"])
    await _revoke(harness, here["RefreshToken"])
    assert await refusal(harness.refresh(here["RefreshToken"])) == REVOKED_REFRESH
    assert await refusal(_refresh_auth(harness, here["RefreshToken"])) == REVOKED_REFRESH
    assert await refusal(harness.attributes(here["AccessToken"])) == REVOKED_ACCESS
    assert await refusal(harness.attributes(child["AccessToken"])) == REVOKED_ACCESS
    await harness.attributes(there["AccessToken"])
    await harness.refresh(there["RefreshToken"])


async def test_unknown_token_is_revoked_already(harness: Harness) -> None:
    """Revoking what does not exist is no error."""
    await _revoke(harness, "made-up")


async def test_only_refresh_tokens_can_be_revoked(harness: Harness) -> None:
    """An access token is of the wrong type."""
    token = (await harness.tokens(await harness.member()))["AccessToken"]
    assert await refusal_type(_revoke(harness, token)) == "UnsupportedTokenTypeException"


async def test_another_client_cannot_revoke(harness: Harness) -> None:
    """A client revokes its own tokens."""
    token = (await harness.tokens(await harness.member()))["RefreshToken"]
    assert await refusal_type(_revoke(harness, token, "narrow")) == "UnauthorizedException"


async def test_client_may_be_without_revocation(harness: Harness) -> None:
    """Revocation can be switched off."""
    token = (await harness.tokens(await harness.member(), "irrevocable"))["RefreshToken"]
    revoked = _revoke(harness, token, "irrevocable")
    assert await refusal_type(revoked) == "UnsupportedOperationException"


async def test_global_sign_out_ends_every_sign_in(harness: Harness) -> None:
    """All tokens of the user die, in a region that the unsigned call does not name."""
    username = await harness.member()
    here, there = await harness.tokens(username), await harness.tokens(username, "narrow")
    await harness.cognito.global_sign_out(AccessToken=here["AccessToken"])
    for tokens in (here, there):
        assert await refusal(harness.attributes(tokens["AccessToken"])) == REVOKED_ACCESS
    assert await refusal(harness.refresh(here["RefreshToken"])) == REVOKED_REFRESH
    signed_out = harness.cognito.global_sign_out(AccessToken=here["AccessToken"])
    assert await refusal(signed_out) == REVOKED_ACCESS


async def test_tokens_of_a_deleted_user_die(harness: Harness) -> None:
    """DeleteUser takes the groups, the tokens and the name; the name is free again."""
    username = await harness.member()
    pool_id = harness.apps["public"].pool_id
    await harness.cognito.create_group(UserPoolId=pool_id, GroupName=f"g-{username}")
    await harness.cognito.admin_add_user_to_group(
        UserPoolId=pool_id, GroupName=f"g-{username}", Username=username
    )
    tokens = await harness.tokens(username)
    await harness.cognito.delete_user(AccessToken=tokens["AccessToken"])
    gone = ("UserNotFoundException", "User does not exist.")
    assert await refusal(harness.attributes(tokens["AccessToken"])) == gone
    assert await refusal(harness.refresh(tokens["RefreshToken"])) == REVOKED_REFRESH
    assert await refusal(harness.tokens(username)) == gone
    left = await harness.cognito.list_users_in_group(UserPoolId=pool_id, GroupName=f"g-{username}")
    assert left["Users"] == []
    await harness.member(username=username)
    assert await refusal(harness.attributes(tokens["AccessToken"])) == gone


async def test_tokens_of_a_deleted_pool_die(harness: Harness) -> None:
    """Nothing outlives its pool."""
    pool = await harness.cognito.create_user_pool(PoolName="short-lived")
    pool_id = pool["UserPool"]["Id"]
    made = await harness.cognito.create_user_pool_client(
        UserPoolId=pool_id, ClientName="c", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )
    client_id = made["UserPoolClient"]["ClientId"]
    await harness.cognito.sign_up(ClientId=client_id, Username="short-lived", Password=PASSWORD)
    await harness.cognito.admin_confirm_sign_up(UserPoolId=pool_id, Username="short-lived")
    answer = await harness.cognito.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "short-lived", "PASSWORD": PASSWORD},
    )
    await harness.cognito.delete_user_pool(UserPoolId=pool_id)
    access = answer["AuthenticationResult"]["AccessToken"]
    assert await refusal_type(harness.attributes(access)) == "ResourceNotFoundException"


@pytest.mark.parametrize("minutes", [4, 1441])
async def test_validity_out_of_range_is_refused(harness: Harness, minutes: int) -> None:
    """Access tokens live from five minutes to a day."""
    created = harness.cognito.create_user_pool_client(
        UserPoolId=harness.apps["public"].pool_id,
        ClientName="x",
        AccessTokenValidity=minutes,
        TokenValidityUnits={"AccessToken": "minutes"},
    )
    assert await refusal_type(created) == "InvalidParameterException"


async def test_rotation_excludes_the_refresh_flow(harness: Harness) -> None:
    """A client that rotates refreshes with GetTokensFromRefreshToken alone."""
    created = harness.cognito.create_user_pool_client(
        UserPoolId=harness.apps["public"].pool_id,
        ClientName="x",
        ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"],
        RefreshTokenRotation={"Feature": "ENABLED"},
    )
    assert await refusal_type(created) == "InvalidParameterException"
