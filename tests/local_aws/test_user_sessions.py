"""Sessions are tracked, limited and revoked as the service model and its documentation say."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from local_aws.cognito.shapes import EXTRAS
from service.aws.session import MODEL_EXTRAS
from tests.local_aws.support import PASSWORD, Harness, refusal, refusal_type

REVOKED = "has been revoked"


def _calls(harness: Harness) -> Any:  # noqa: ANN401 -- operations that are newer than the stubs
    return harness.cognito


async def _sessions(harness: Harness, result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    answer = await _calls(harness).list_user_sessions(AccessToken=result["AccessToken"])
    assert answer.keys() <= {"Sessions", "ResponseMetadata"}
    sessions: list[Mapping[str, Any]] = answer["Sessions"]
    return sessions


async def _current(harness: Harness, result: Mapping[str, Any]) -> str:
    (current,) = (one for one in await _sessions(harness, result) if one["IsCurrentSession"])
    return str(current["SessionId"])


async def _revoke(harness: Harness, result: Mapping[str, Any], session_id: str) -> None:
    await _calls(harness).revoke_user_session(
        AccessToken=result["AccessToken"], SessionId=session_id
    )


def test_extras_are_those_of_the_service() -> None:
    """The local AWS and the service have the same operations beyond botocore's model."""
    below = Path("cognito-idp/2016-04-18/service-2.sdk-extras.json")

    assert (EXTRAS / below).read_bytes() == (MODEL_EXTRAS / below).read_bytes()


async def test_session_is_described(harness: Harness) -> None:
    """The id has the form of the model; times move with the clock, the address is the caller's."""
    username = await harness.member("tracked")
    result = await harness.tokens(username, "tracked")
    began = harness.clock.seconds
    harness.clock.advance(60)
    await harness.refresh(result["RefreshToken"], "tracked")

    (session,) = await _sessions(harness, result)

    assert re.fullmatch("tkn[a-z0-9]{25}", session["SessionId"])
    assert session["SessionType"] == "TOKEN"
    assert session["ClientId"] == harness.apps["tracked"].client_id
    assert session["CreateDate"].timestamp() == began
    assert session["LastActiveDate"].timestamp() == began + 60
    assert session["DeviceType"] == session["LastLocation"]["Country"] == "unknown"
    assert session["LastIPAddress"] == "127.0.0.1"
    assert session["IsCurrentSession"] is True


async def test_address_is_that_of_the_user_context(harness: Harness) -> None:
    """UserContextData names the client on whose behalf an application calls."""
    username = await harness.member("tracked")
    answer = await harness.cognito.initiate_auth(
        ClientId=harness.apps["tracked"].client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": username, "PASSWORD": PASSWORD},
        UserContextData={"IpAddress": "203.0.113.7"},
    )

    (session,) = await _sessions(harness, answer["AuthenticationResult"])

    assert session["LastIPAddress"] == "203.0.113.7"


async def test_revoked_session_has_no_valid_token(harness: Harness) -> None:
    """Its access token and its refresh token are refused at once; a session is revoked once."""
    username = await harness.member("tracked")
    here, there = [await harness.tokens(username, "tracked") for _ in range(2)]
    session_id = await _current(harness, there)

    await _revoke(harness, here, session_id)

    for call in (
        harness.cognito.get_user(AccessToken=there["AccessToken"]),
        harness.refresh(there["RefreshToken"], "tracked"),
    ):
        name, message = await refusal(call)
        assert name == "NotAuthorizedException"
        assert REVOKED in message
    again = await refusal_type(_revoke(harness, here, session_id))
    assert again == "ResourceNotFoundException"
    await harness.cognito.get_user(AccessToken=here["AccessToken"])


async def test_own_and_foreign_sessions_are_not_revoked(harness: Harness) -> None:
    """The caller's session is an invalid parameter, another user's is not found."""
    here = await harness.tokens(await harness.member("tracked"), "tracked")
    foreign = await harness.tokens(await harness.member("tracked"), "tracked")

    own = await refusal_type(_revoke(harness, here, await _current(harness, here)))
    other = await refusal_type(_revoke(harness, here, await _current(harness, foreign)))

    assert (own, other) == ("InvalidParameterException", "ResourceNotFoundException")


async def test_expired_session_is_not_active(harness: Harness) -> None:
    """A session is active as long as its refresh token is valid."""
    username = await harness.member("tracked_briefly")
    first = await harness.tokens(username, "tracked_briefly")
    session_id = await _current(harness, first)
    harness.clock.advance(2 * 3_600 + 1)
    second = await harness.tokens(username, "tracked_briefly")

    sessions = await _sessions(harness, second)

    assert session_id not in {session["SessionId"] for session in sessions}
    assert len(sessions) == 1


async def test_least_recently_used_session_gives_way(harness: Harness) -> None:
    """Above MaxPerUser, a sign-in ends the session whose last activity is the oldest."""
    app = harness.apps["tracked"]
    username = await harness.member("tracked")
    configuration: dict[str, Any] = {"UserPoolId": app.pool_id, "UserSessionTracking": "ENABLED"}
    await _calls(harness).set_user_pool_session_configuration(
        **configuration, TokenSession={"MaxPerUser": 2}
    )
    try:
        first, second = [await harness.tokens(username, "tracked") for _ in range(2)]
        harness.clock.advance(1)
        await harness.refresh(first["RefreshToken"], "tracked")
        third = await harness.tokens(username, "tracked")
    finally:
        await _calls(harness).set_user_pool_session_configuration(
            **configuration, TokenSession={"MaxPerUser": 20}
        )

    assert len(await _sessions(harness, third)) == 2
    await harness.cognito.get_user(AccessToken=first["AccessToken"])
    evicted = await refusal(harness.cognito.get_user(AccessToken=second["AccessToken"]))
    assert REVOKED in evicted[1]


async def test_pool_does_not_track_by_default(harness: Harness) -> None:
    """A new pool tracks nothing; its sign-ins have no session when it begins to."""
    made = await harness.cognito.create_user_pool(PoolName="untracked")
    pool_id = made["UserPool"]["Id"]
    client = await harness.cognito.create_user_pool_client(
        UserPoolId=pool_id, ClientName="x", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )
    await harness.cognito.admin_create_user(
        UserPoolId=pool_id, Username="a", MessageAction="SUPPRESS"
    )
    await harness.cognito.admin_set_user_password(
        UserPoolId=pool_id, Username="a", Password=PASSWORD, Permanent=True
    )
    answer = await harness.cognito.initiate_auth(
        ClientId=client["UserPoolClient"]["ClientId"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "a", "PASSWORD": PASSWORD},
    )
    result = answer["AuthenticationResult"]
    found = await _calls(harness).get_user_pool_session_configuration(UserPoolId=pool_id)

    assert found["UserSessionTracking"] == "DISABLED"
    assert found["TokenSession"] == {"MaxPerUser": 20}
    for call in (_sessions(harness, result), _revoke(harness, result, "tkn" + "0" * 25)):
        assert await refusal_type(call) == "OperationNotEnabledException"
    await _calls(harness).set_user_pool_session_configuration(
        UserPoolId=pool_id, UserSessionTracking="ENABLED", TokenSession={"MaxPerUser": 20}
    )
    assert await _sessions(harness, result) == []
    unknown = await refusal_type(_revoke(harness, result, "tkn" + "0" * 25))
    assert unknown == "ResourceNotFoundException"


async def test_invalid_calls_are_refused(harness: Harness) -> None:
    """A malformed id, an unknown page and an impossible limit are invalid parameters."""
    result = await harness.tokens(await harness.member("tracked"), "tracked")
    token, pool_id = result["AccessToken"], harness.apps["tracked"].pool_id
    calls = _calls(harness)

    for call in (
        calls.revoke_user_session(AccessToken=token, SessionId="SSO" + "0" * 25),
        calls.revoke_user_session(AccessToken=token, SessionId="0" * 29),
        calls.list_user_sessions(AccessToken=token, NextToken="x"),
        calls.set_user_pool_session_configuration(
            UserPoolId=pool_id, UserSessionTracking="ENABLED", TokenSession={"MaxPerUser": 101}
        ),
        calls.set_user_pool_session_configuration(
            UserPoolId=pool_id, UserSessionTracking="PERHAPS", TokenSession={"MaxPerUser": 1}
        ),
    ):
        assert await refusal_type(call) == "InvalidParameterException"


async def test_lite_plan_has_no_session_tracking(harness: Harness) -> None:
    """The Essentials plan is needed."""
    made = await harness.cognito.create_user_pool(PoolName="lite", UserPoolTier="LITE")

    call = _calls(harness).set_user_pool_session_configuration(
        UserPoolId=made["UserPool"]["Id"],
        UserSessionTracking="ENABLED",
        TokenSession={"MaxPerUser": 20},
    )

    assert await refusal_type(call) == "FeatureUnavailableInTierException"


@pytest.mark.parametrize("linked", ["NONE", "LINKED"])
async def test_no_session_is_linked_to_another(harness: Harness, linked: str) -> None:
    """A sign-in by this API comes through no SSO session, so others go on."""
    username = await harness.member("tracked")
    here, there, third = [await harness.tokens(username, "tracked") for _ in range(3)]

    await _calls(harness).revoke_user_session(
        AccessToken=here["AccessToken"],
        SessionId=await _current(harness, there),
        RevokeAssociatedSessions=linked,
    )

    assert len(await _sessions(harness, here)) == 2
    await harness.cognito.get_user(AccessToken=third["AccessToken"])
