"""The contract of the signed-in user's active sessions."""

from datetime import UTC, datetime, timedelta

import pytest

from service.domain.errors import (
    FeatureUnavailable,
    RefreshTokenInvalid,
    SessionIsCurrent,
    SessionNotFound,
    TokenInvalid,
)
from service.domain.sessions import Tokens
from service.domain.user_sessions import UserSession
from tests.contracts.support import STRANGE_TOKEN, Stage
from tests.support.fakes.user_pool_rules import PoolRules

TRACKED = pytest.mark.parametrize("rules", [PoolRules(tracks_sessions=True)], ids=["tracked"])
UNKNOWN = "tkn" + "z" * 25


async def _active(stage: Stage, tokens: Tokens) -> dict[str, UserSession]:
    """Return the sessions by id."""
    found = await stage.provider.user_sessions.active(tokens.access_token)
    return {session.session_id: session for session in found}


async def _current(stage: Stage, tokens: Tokens) -> str:
    """Return the id of the session of the tokens."""
    (current,) = (each for each in (await _active(stage, tokens)).values() if each.current)
    return current.session_id


async def _is_over(stage: Stage, tokens: Tokens) -> None:
    """Check that access token and refresh token are refused."""
    with pytest.raises(TokenInvalid):
        await stage.provider.own_account.describe(tokens.access_token)
    assert tokens.refresh_token is not None
    with pytest.raises(RefreshTokenInvalid):
        await stage.provider.sessions.refresh(tokens.refresh_token)


@TRACKED
async def test_each_sign_in_is_a_session(stage: Stage, user: str) -> None:
    """All sessions of the user are listed, with the one of the access token as the current one."""
    here, there = await stage.tokens(user), await stage.tokens(user)
    await stage.tokens(await stage.member())

    seen_here, seen_there = await _active(stage, here), await _active(stage, there)

    assert len(seen_here) == 2
    assert seen_here.keys() == seen_there.keys()
    assert await _current(stage, here) != await _current(stage, there)
    now = datetime.now(UTC)  # noqa: TID251 -- each pool reads the machine's clock
    for session in seen_here.values():
        assert session.kind == "token"
        assert abs(session.created_at - now) < timedelta(minutes=5)
        assert session.last_active_at >= session.created_at


@TRACKED
async def test_refresh_continues_its_session(stage: Stage, user: str) -> None:
    """New tokens of a refresh token belong to the same session, whose last activity is later."""
    first = await stage.tokens(user)
    before = await _active(stage, first)
    assert first.refresh_token is not None

    second = await stage.provider.sessions.refresh(first.refresh_token)
    after = await _active(stage, second)

    assert after.keys() == before.keys()
    session_id = await _current(stage, second)
    assert after[session_id].last_active_at > before[session_id].last_active_at
    assert after[session_id].created_at == before[session_id].created_at


@TRACKED
async def test_revoked_session_is_over_at_once(stage: Stage, user: str) -> None:
    """All its tokens are refused, those of refreshes too, and other sessions go on."""
    here, there = await stage.tokens(user), await stage.tokens(user)
    assert there.refresh_token is not None
    refreshed = await stage.provider.sessions.refresh(there.refresh_token)
    sessions = stage.provider.user_sessions
    session_id = await _current(stage, there)

    await sessions.revoke(here.access_token, session_id)

    await _is_over(stage, there)
    with pytest.raises(TokenInvalid):
        await stage.provider.own_account.describe(refreshed.access_token)
    assert session_id not in await _active(stage, here)
    with pytest.raises(SessionNotFound):
        await sessions.revoke(here.access_token, session_id)


@TRACKED
async def test_current_session_is_not_revoked(stage: Stage, user: str) -> None:
    """The current session is refused and goes on, with *linked* too."""
    tokens = await stage.tokens(user)
    session_id = await _current(stage, tokens)

    for linked in (False, True):
        with pytest.raises(SessionIsCurrent):
            await stage.provider.user_sessions.revoke(
                tokens.access_token, session_id, linked=linked
            )

    assert await _current(stage, tokens) == session_id


@TRACKED
@pytest.mark.parametrize(
    "session_id", [UNKNOWN, "x", UNKNOWN + "z", UNKNOWN.upper(), "sso" + "\u00e9" * 25]
)
async def test_unknown_session_is_not_found(stage: Stage, user: str, session_id: str) -> None:
    """An id that no session has, and what can be no id, are not found."""
    token = await stage.access_token(user)

    with pytest.raises(SessionNotFound):
        await stage.provider.user_sessions.revoke(token, session_id)


@TRACKED
async def test_session_of_another_user_is_not_found(stage: Stage, user: str) -> None:
    """Users end their own sessions only."""
    other = await stage.tokens(await stage.member())
    token = await stage.access_token(user)

    with pytest.raises(SessionNotFound):
        await stage.provider.user_sessions.revoke(token, await _current(stage, other))

    await stage.provider.own_account.describe(other.access_token)


@TRACKED
async def test_all_other_sessions_are_revoked(stage: Stage, user: str) -> None:
    """Only the current session and those of other users go on; a repetition is no error."""
    here, *others = [await stage.tokens(user) for _ in range(4)]
    stranger = await stage.tokens(await stage.member())
    sessions = stage.provider.user_sessions

    await sessions.revoke_others(here.access_token)
    await sessions.revoke_others(here.access_token)

    assert [*await _active(stage, here)] == [await _current(stage, here)]
    for tokens in others:
        await _is_over(stage, tokens)
    await stage.provider.own_account.describe(stranger.access_token)


@TRACKED
async def test_ended_sessions_are_not_active(stage: Stage, user: str) -> None:
    """A session that logged out is not listed."""
    here, there = await stage.tokens(user), await stage.tokens(user)
    assert there.refresh_token is not None

    await stage.provider.sessions.revoke(there.refresh_token)

    assert [*await _active(stage, here)] == [await _current(stage, here)]


async def test_pool_that_does_not_track_has_no_sessions(stage: Stage, user: str) -> None:
    """Without session tracking, all methods are FeatureUnavailable."""
    token, sessions = await stage.access_token(user), stage.provider.user_sessions

    with pytest.raises(FeatureUnavailable):
        await sessions.active(token)
    with pytest.raises(FeatureUnavailable):
        await sessions.revoke(token, UNKNOWN)
    with pytest.raises(FeatureUnavailable):
        await sessions.revoke_others(token)


@TRACKED
async def test_invalid_access_token_is_rejected(stage: Stage) -> None:
    """An access token that was never issued sees and ends nothing."""
    sessions = stage.provider.user_sessions

    with pytest.raises(TokenInvalid):
        await sessions.active(STRANGE_TOKEN)
    with pytest.raises(TokenInvalid):
        await sessions.revoke(STRANGE_TOKEN, UNKNOWN)
    with pytest.raises(TokenInvalid):
        await sessions.revoke_others(STRANGE_TOKEN)
