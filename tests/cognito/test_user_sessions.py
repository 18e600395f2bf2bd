"""The sessions of a user on Cognito: pages, unknown values, and the errors of revocations."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from aiohttp import web
from botocore.model import OperationModel

from service.cognito.user_sessions import CONCURRENT_REVOCATIONS
from service.domain.errors import (
    FeatureUnavailable,
    ServiceError,
    SessionIsCurrent,
    SessionNotFound,
    Throttled,
    TokenInvalid,
    UpstreamFault,
    UpstreamUnavailable,
)
from service.domain.identity_provider import IdentityProvider
from service.domain.user_sessions import UserSession
from tests.cognito.calls import SESSION_ID, TOKEN
from tests.support.cognito_answers import CURRENT
from tests.support.scripted_cognito import (
    CLOSED,
    ScriptedCognito,
    Step,
    raw,
    refusal,
    resetting,
    success,
    usual,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREATED: Final = datetime.fromtimestamp(1_750_000_000.5, UTC)
LAST_ACTIVE: Final = datetime.fromtimestamp(1_750_000_100.5, UTC)


def _description(number: int, **changes: object) -> Mapping[str, Any]:
    """Return the description of another session."""
    return {**CURRENT, "SessionId": _id(number), "IsCurrentSession": False, **changes}


def _id(number: int) -> str:
    return f"tkn{number:025}"


def _page(*descriptions: Mapping[str, Any], following: str | None = None) -> Step:
    more = {} if following is None else {"NextToken": following}
    return success({"Sessions": [*descriptions], **more})


def _revoked(cognito: ScriptedCognito) -> list[str]:
    return sorted(
        request.arguments["SessionId"]
        for request in cognito.received
        if request.operation == "RevokeUserSession"
    )


async def test_session_is_described(provider: IdentityProvider, cognito: ScriptedCognito) -> None:
    """All that Cognito reports of a session is a value."""
    described = _description(
        2,
        SessionType="SSO",
        DeviceType="Firefox on Linux",
        LastIPAddress="203.0.113.7",
        LastLocation={"City": "Pune", "Country": "India"},
        OriginSessionId=_id(1),
    )
    cognito.answers("ListUserSessions", _page(described))

    assert await provider.user_sessions.active(TOKEN) == (
        UserSession(
            session_id=_id(2),
            kind="sso",
            client_id="anAppClient",
            created_at=CREATED,
            last_active_at=LAST_ACTIVE,
            current=False,
            device="Firefox on Linux",
            address="203.0.113.7",
            city="Pune",
            country="India",
        ),
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"DeviceType": "", "LastIPAddress": "", "LastLocation": {}},
        {"LastLocation": {"City": "", "Country": ""}},
    ],
    ids=["unknown", "empty", "empty location"],
)
async def test_unknown_values_are_none(
    changes: Mapping[str, object], provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """What Cognito does not know is not passed on as a text."""
    cognito.answers("ListUserSessions", _page({**CURRENT, **changes}))

    (session,) = await provider.user_sessions.active(TOKEN)

    details = (session.device, session.address, session.city, session.country)
    assert (details, session.current) == ((None, None, None, None), True)


async def test_all_pages_are_read(provider: IdentityProvider, cognito: ScriptedCognito) -> None:
    """Each page is read with the token of the one before, also after an empty page."""
    cognito.answers(
        "ListUserSessions",
        _page(CURRENT, following="second"),
        _page(following="third"),
        _page(_description(2)),
    )

    found = await provider.user_sessions.active(TOKEN)

    assert [session.session_id for session in found] == [_id(1), _id(2)]
    sent = [request.arguments.get("NextToken") for request in cognito.received]
    assert sent == [None, "second", "third"]


@pytest.mark.parametrize(
    "body", [b"{}", b'{"Sessions": [{}]}', b'{"Sessions": [{"SessionId": "x"}]}', b"<html>"]
)
async def test_response_without_sessions_is_a_fault(
    body: bytes, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A response that lacks what Cognito documents is an upstream fault."""
    cognito.answers("ListUserSessions", raw(body))

    with pytest.raises(UpstreamFault):
        await provider.user_sessions.active(TOKEN)


@pytest.mark.parametrize("name", ["InvalidParameterException", "NotAuthorizedException"])
@pytest.mark.parametrize("message", [None, "No.", "The current session cannot be revoked."])
async def test_current_session_is_recognized_by_the_list(
    name: str, message: str | None, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """The current session is SessionIsCurrent, whichever exception Cognito refuses it with."""
    cognito.answers("RevokeUserSession", refusal(name, message))

    with pytest.raises(SessionIsCurrent):
        await provider.user_sessions.revoke(TOKEN, CURRENT["SessionId"])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("InvalidParameterException", SessionNotFound), ("NotAuthorizedException", TokenInvalid)],
)
async def test_other_session_is_not_mistaken_for_the_current_one(
    name: str,
    expected: type[ServiceError],
    provider: IdentityProvider,
    cognito: ScriptedCognito,
) -> None:
    """For any other session, the exception has its own meaning."""
    cognito.answers("RevokeUserSession", refusal(name))

    with pytest.raises(expected):
        await provider.user_sessions.revoke(TOKEN, SESSION_ID)


async def test_malformed_id_is_not_found_at_once(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """Cognito names the parameter: the sessions need not be listed."""
    text = "1 validation error detected: Value at 'sessionId' failed to satisfy constraint: x"
    cognito.answers("RevokeUserSession", refusal("InvalidParameterException", text))

    with pytest.raises(SessionNotFound):
        await provider.user_sessions.revoke(TOKEN, SESSION_ID)

    assert cognito.operations == ["RevokeUserSession"]


@pytest.mark.parametrize("lost", [CLOSED, resetting], ids=["closed", "reset"])
async def test_session_that_a_lost_call_ended_has_ended(
    lost: Step, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """ResourceNotFoundException after a lost response is a success."""
    cognito.answers("RevokeUserSession", lost, refusal("ResourceNotFoundException"))

    await provider.user_sessions.revoke(TOKEN, SESSION_ID)

    assert cognito.operations == ["RevokeUserSession"] * 2


async def test_revocation_that_is_lost_twice_is_unavailable(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A session that may go on is not reported as ended."""
    cognito.answers("RevokeUserSession", CLOSED)

    with pytest.raises(UpstreamUnavailable):
        await provider.user_sessions.revoke(TOKEN, SESSION_ID)

    assert cognito.operations == ["RevokeUserSession"] * 2


async def test_others_are_all_revoked_but_the_current_one(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """Each session of each page is revoked, SSO sessions too; those that have ended are no error."""
    single_sign_on = _description(9, SessionId="sso" + "9" * 25, SessionType="SSO")
    cognito.answers(
        "ListUserSessions",
        _page(_description(2), CURRENT, following="more"),
        _page(_description(3), single_sign_on),
    )
    cognito.answers("RevokeUserSession", refusal("ResourceNotFoundException"), usual)

    await provider.user_sessions.revoke_others(TOKEN)

    assert _revoked(cognito) == ["sso" + "9" * 25, _id(2), _id(3)]


async def test_current_session_that_is_not_marked_is_kept(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """If the list is behind and marks no session, Cognito's refusal of the current one is no error."""
    cognito.answers(
        "ListUserSessions", _page(_description(1), _description(2)), _page(CURRENT, _description(2))
    )

    async def refusing(request: web.BaseRequest, model: OperationModel) -> web.StreamResponse:
        own = (await request.json())["SessionId"] == CURRENT["SessionId"]
        return await (refusal("InvalidParameterException") if own else usual)(request, model)

    cognito.answers("RevokeUserSession", refusing)

    await provider.user_sessions.revoke_others(TOKEN)

    assert _revoked(cognito) == [_id(1), _id(2)]


async def test_failed_revocation_keeps_no_other_from_being_revoked(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """If one session cannot be ended, the others are, and the error is raised."""
    cognito.answers("ListUserSessions", _page(CURRENT, *map(_description, range(2, 12))))
    cognito.answers("RevokeUserSession", refusal("TooManyRequestsException"), usual)

    with pytest.raises(Throttled):
        await provider.user_sessions.revoke_others(TOKEN)

    assert _revoked(cognito) == [_id(number) for number in range(2, 12)]


async def test_revocations_are_limited_to_a_few_at_a_time(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """The most sessions that a user can have are ended by few concurrent calls."""
    cognito.answers("ListUserSessions", _page(CURRENT, *map(_description, range(2, 126))))
    running, most = 0, 0

    async def counted(request: web.BaseRequest, model: OperationModel) -> web.StreamResponse:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return await usual(request, model)

    cognito.answers("RevokeUserSession", counted)

    await provider.user_sessions.revoke_others(TOKEN)

    assert len(_revoked(cognito)) == 124
    assert 1 < most <= CONCURRENT_REVOCATIONS


@pytest.mark.parametrize(
    "name",
    [
        "FeatureUnavailableInTierException",
        "OperationNotEnabledException",
        "UnknownOperationException",
        "UnsupportedOperationException",
    ],
)
async def test_pool_that_does_not_track_sessions_offers_none(
    name: str, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """The plan, the setting, and an endpoint that lacks the operations are FeatureUnavailable."""
    cognito.answers("ListUserSessions", refusal(name))
    cognito.answers("RevokeUserSession", refusal(name))

    with pytest.raises(FeatureUnavailable):
        await provider.user_sessions.active(TOKEN)
    with pytest.raises(FeatureUnavailable):
        await provider.user_sessions.revoke(TOKEN, SESSION_ID)
    with pytest.raises(FeatureUnavailable):
        await provider.user_sessions.revoke_others(TOKEN)
