"""The contract of the signed-in user's second factors."""

from collections.abc import Awaitable, Callable

import pytest

from service.domain.errors import CodeMismatch, MfaNotConfigured, TokenInvalid
from service.domain.mfa import EMAIL, FACTORS, SMS, TOTP, Factors, MfaPreferences
from service.domain.sessions import Challenge, Tokens
from tests.contracts.authenticator_app import App, enrolled
from tests.contracts.support import STRANGE_TOKEN, Stage
from tests.support.fakes.user_pool_rules import PoolRules

NOTHING = MfaPreferences((), None)
PHONE = "+12025550123"
ALL = PoolRules(mfa="OPTIONAL", second_factors=FACTORS)
ALL_FACTORS = pytest.mark.parametrize("rules", [ALL], ids=["all factors"])
ONLY_TOTP = pytest.mark.parametrize(
    "rules", [PoolRules(mfa="OPTIONAL", second_factors=(TOTP,))], ids=["only apps"]
)


@pytest.fixture
async def access_token(stage: Stage) -> str:
    """Return the access token of a user with two addresses, both of them proved."""
    username = await stage.member(phone_number=PHONE)
    token = await stage.access_token(username)
    await stage.verify(username, token, "phone_number")
    return token


@pytest.mark.parametrize("rules", [PoolRules(), ALL], ids=["no factors", "all factors"])
async def test_nothing_is_asked_for_unless_it_is_wanted(stage: Stage, access_token: str) -> None:
    """A new user has no second factor."""
    assert await stage.provider.factors.preferences(access_token) == NOTHING


@pytest.mark.parametrize("rules", [PoolRules(), ALL], ids=["no factors", "all factors"])
async def test_all_factors_can_be_disabled(stage: Stage, access_token: str) -> None:
    """Disabling all factors is no error, whatever the pool supports."""
    await stage.provider.factors.prefer(access_token, NOTHING)

    assert await stage.provider.factors.preferences(access_token) == NOTHING


@ALL_FACTORS
@pytest.mark.parametrize(
    "wanted",
    [
        MfaPreferences((SMS,), None),
        MfaPreferences((EMAIL,), EMAIL),
        MfaPreferences((SMS, EMAIL), None),
        MfaPreferences((SMS, EMAIL), SMS),
        MfaPreferences((SMS, TOTP, EMAIL), TOTP),
    ],
    ids=["one", "one preferred", "two", "one of two preferred", "one of three preferred"],
)
async def test_given_factors_are_enabled(
    stage: Stage, access_token: str, wanted: MfaPreferences
) -> None:
    """Exactly the given factors are enabled; all can be disabled again."""
    factors = stage.provider.factors
    await enrolled(stage, access_token)

    await factors.prefer(access_token, wanted)
    enabled = await factors.preferences(access_token)
    await factors.prefer(access_token, NOTHING)

    assert enabled == wanted
    assert await factors.preferences(access_token) == NOTHING


@ALL_FACTORS
async def test_preference_can_be_taken_back(stage: Stage, access_token: str) -> None:
    """The factors stay on, and none of them is preferred."""
    factors = stage.provider.factors
    await factors.prefer(access_token, MfaPreferences((SMS, EMAIL), SMS))

    await factors.prefer(access_token, MfaPreferences((SMS, EMAIL), None))

    assert await factors.preferences(access_token) == MfaPreferences((SMS, EMAIL), None)


@ONLY_TOTP
@pytest.mark.parametrize("factor", [SMS, TOTP, EMAIL])
async def test_factor_that_is_not_set_up_is_rejected(
    stage: Stage, access_token: str, factor: str
) -> None:
    """A factor that is not available or not set up cannot be enabled."""
    with pytest.raises(MfaNotConfigured):
        await stage.provider.factors.prefer(access_token, MfaPreferences((factor,), None))

    assert await stage.provider.factors.preferences(access_token) == NOTHING


@ALL_FACTORS
async def test_only_an_enabled_factor_is_preferred(stage: Stage, access_token: str) -> None:
    """A disabled factor cannot be preferred."""
    with pytest.raises(MfaNotConfigured):
        await stage.provider.factors.prefer(access_token, MfaPreferences((SMS,), EMAIL))

    assert await stage.provider.factors.preferences(access_token) == NOTHING


@ONLY_TOTP
async def test_app_counts_once_it_is_verified(stage: Stage, user: str) -> None:
    """An app is required only after its verification."""
    factors, token = stage.provider.factors, await stage.access_token(user)
    app = App(await factors.associate_totp(token))
    with pytest.raises(MfaNotConfigured):
        await factors.prefer(token, MfaPreferences((TOTP,), TOTP))

    await factors.verify_totp(token, app.now(), "Asha's telephone")
    assert isinstance(await stage.log_in(user), Tokens)
    await factors.prefer(token, MfaPreferences((TOTP,), TOTP))

    assert isinstance(await stage.log_in(user), Challenge)


@ONLY_TOTP
async def test_wrong_code_verifies_nothing(stage: Stage, user: str) -> None:
    """A wrong code is rejected, and the right one stays valid."""
    factors, token = stage.provider.factors, await stage.access_token(user)
    app = App(await factors.associate_totp(token))

    with pytest.raises(CodeMismatch):
        await factors.verify_totp(token, app.wrong(), None)

    await factors.verify_totp(token, app.now(), None)


@ONLY_TOTP
async def test_secret_that_was_given_last_counts(stage: Stage, user: str) -> None:
    """Each secret is another one, and a newer one voids the one before."""
    factors, token = stage.provider.factors, await stage.access_token(user)
    secrets = [await factors.associate_totp(token) for _ in range(2)]
    former, latest = map(App, secrets)
    assert secrets[0] != secrets[1]
    code = next(code for code in (former.now(), former.next()) if code not in latest.near())

    with pytest.raises(CodeMismatch):
        await factors.verify_totp(token, code, None)

    await factors.verify_totp(token, latest.now(), None)


@ONLY_TOTP
async def test_nothing_is_verified_without_a_secret(stage: Stage, user: str) -> None:
    """A code without an associated app is MfaNotConfigured, not CodeMismatch."""
    with pytest.raises(MfaNotConfigured):
        await stage.provider.factors.verify_totp(await stage.access_token(user), "123456", None)


async def test_pool_without_apps_gives_no_secret(stage: Stage, user: str) -> None:
    """Where the pool has no authenticator apps, none is set up."""
    with pytest.raises(MfaNotConfigured):
        await stage.provider.factors.associate_totp(await stage.access_token(user))


@pytest.mark.parametrize(
    "call",
    [
        lambda factors: factors.preferences(STRANGE_TOKEN),
        lambda factors: factors.prefer(STRANGE_TOKEN, NOTHING),
        lambda factors: factors.associate_totp(STRANGE_TOKEN),
        lambda factors: factors.verify_totp(STRANGE_TOKEN, "123456", None),
    ],
    ids=["preferences", "prefer", "associate", "verify"],
)
async def test_wrong_access_token_is_refused(
    stage: Stage, call: Callable[[Factors], Awaitable[object]]
) -> None:
    """An access token that was never given has no factors."""
    with pytest.raises(TokenInvalid):
        await call(stage.provider.factors)
