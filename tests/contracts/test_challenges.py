"""The contract of challenges, whatever the challenge."""

from typing import Any

import pytest

from service.api.schemas.sessions import TAKES
from service.domain.errors import (
    ChallengeExpired,
    InvalidCredentials,
    InvalidFields,
    WeakPassword,
)
from service.domain.mfa import TOTP
from service.domain.sessions import Challenge
from tests.contracts.support import NEVER_GIVEN, Stage, challenge, signed_in, wrong
from tests.support.accounts import PASSWORD, new_user
from tests.support.fakes.user_pool_rules import PoolRules

WEAK_PASSWORD = "weak"  # noqa: S105 -- of nobody
NEW_PASSWORD = "New" + PASSWORD
CUSTOM = pytest.mark.parametrize("rules", [PoolRules(custom_challenge=True)], ids=["custom"])
GIVEN: dict[str, dict[str, Any]] = {  # what an answer holds -> something of its form
    "code": {"code": "123456"},
    "newPassword": {"new_password": NEW_PASSWORD},
    "choice": {"choice": TOTP},
    "password": {"password": PASSWORD},
    "credential": {"credential": "{}"},
}


async def _invited(stage: Stage, **attributes: str) -> tuple[str, Challenge]:
    """Return a user that an administrator created, and the challenge of the first sign-in."""
    username = new_user()
    await stage.administrator.invite(username, PASSWORD, {"email": username, **attributes})
    return username, challenge(await stage.log_in(username), "NEW_PASSWORD_REQUIRED")


@pytest.mark.parametrize("name", sorted(TAKES))
async def test_session_that_was_never_given_has_expired(stage: Stage, user: str, name: str) -> None:
    """Each challenge is answered in its session; without one, one begins anew."""
    asked = Challenge(name, NEVER_GIVEN, {})

    with pytest.raises(ChallengeExpired):
        await stage.answer(asked, user, **GIVEN[TAKES[name].one_of[0]])


async def test_new_password_is_required(stage: Stage) -> None:
    """An invited user sets a password and is signed in."""
    username, asked = await _invited(stage)

    signed_in(await stage.answer(asked, username, new_password=NEW_PASSWORD))

    await stage.tokens(username, NEW_PASSWORD)
    with pytest.raises(InvalidCredentials):
        await stage.log_in(username)


async def test_attributes_come_with_the_new_password(stage: Stage) -> None:
    """Attributes of the answer are set; those of the administrator stay."""
    username, asked = await _invited(stage, given_name="Asha")

    tokens = signed_in(
        await stage.answer(
            asked, username, new_password=NEW_PASSWORD, attributes={"family_name": "Rao"}
        )
    )

    account = await stage.provider.own_account.describe(tokens.access_token)
    assert {"given_name": "Asha", "family_name": "Rao"}.items() <= account.attributes.items()


@pytest.mark.parametrize(
    "attributes",
    [{"shoe_size": "43"}, {"email_verified": "true"}],
    ids=["unknown", "a mark"],
)
async def test_read_only_attribute_is_rejected(stage: Stage, attributes: dict[str, str]) -> None:
    """A read-only attribute is InvalidFields, and the challenge stays open."""
    username, asked = await _invited(stage)
    with pytest.raises(InvalidFields):
        await stage.answer(asked, username, new_password=NEW_PASSWORD, attributes=attributes)

    signed_in(await stage.answer(asked, username, new_password=NEW_PASSWORD))


async def test_weak_password_is_rejected(stage: Stage) -> None:
    """The password rules apply, and the challenge stays open."""
    username, asked = await _invited(stage)

    with pytest.raises(WeakPassword):
        await stage.answer(asked, username, new_password=WEAK_PASSWORD)

    signed_in(await stage.answer(asked, username, new_password=NEW_PASSWORD))


@pytest.mark.parametrize(
    "rules", [PoolRules(mfa="ON", second_factors=(TOTP,))], ids=["required factor"]
)
async def test_one_challenge_follows_another(stage: Stage) -> None:
    """A new password is no way around a second factor."""
    username, asked = await _invited(stage)

    outcome = await stage.answer(asked, username, new_password=NEW_PASSWORD)

    challenge(outcome, "MFA_SETUP")


async def test_answer_without_what_is_asked_for_is_refused(stage: Stage) -> None:
    """An empty answer is wrong, and the challenge stays open."""
    username, asked = await _invited(stage)

    with pytest.raises(InvalidFields):
        await stage.answer(asked, username)

    signed_in(await stage.answer(asked, username, new_password=NEW_PASSWORD))


async def test_challenge_is_answered_once(stage: Stage) -> None:
    """An answer that was right uses the session up."""
    username, asked = await _invited(stage)
    await stage.answer(asked, username, new_password=NEW_PASSWORD)

    with pytest.raises(ChallengeExpired):
        await stage.answer(asked, username, new_password=NEW_PASSWORD)


async def test_challenge_is_answered_by_its_user(stage: Stage, user: str) -> None:
    """A session is invalid with another user name, existing or not."""
    username, asked = await _invited(stage)

    for other in (user, new_user()):
        with pytest.raises(ChallengeExpired):
            await stage.answer(asked, other, new_password=NEW_PASSWORD)

    signed_in(await stage.answer(asked, username, new_password=NEW_PASSWORD))


async def test_session_is_of_one_challenge(stage: Stage) -> None:
    """A session opens no other challenge than the one it came with."""
    username, asked = await _invited(stage)

    with pytest.raises(ChallengeExpired):
        await stage.answer(Challenge(TOTP, asked.session, {}), username, code="123456")


@CUSTOM
async def test_custom_challenge_is_answered_by_its_code(stage: Stage, user: str) -> None:
    """A custom challenge is answered by one value."""
    asked = challenge(await stage.begin(user, "CUSTOM_CHALLENGE"), "CUSTOM_CHALLENGE")

    signed_in(await stage.answer(asked, user, code=await stage.code(user)))


@CUSTOM
async def test_wrong_answer_to_a_custom_challenge_is_followed_by_another(
    stage: Stage, user: str
) -> None:
    """The triggers may issue another challenge, in a new session, any number of times."""
    asked = challenge(await stage.begin(user, "CUSTOM_CHALLENGE"), "CUSTOM_CHALLENGE")
    code = await stage.code(user)

    again = challenge(await stage.answer(asked, user, code=wrong(code)), "CUSTOM_CHALLENGE")

    with pytest.raises(ChallengeExpired):
        await stage.answer(asked, user, code=code)
    signed_in(await stage.answer(again, user, code=code))


@CUSTOM
async def test_custom_challenge_ends(stage: Stage, user: str) -> None:
    """When they had enough, it was a wrong password."""
    asked = challenge(await stage.begin(user, "CUSTOM_CHALLENGE"), "CUSTOM_CHALLENGE")
    code = wrong(await stage.code(user))
    for _ in range(2):
        asked = challenge(await stage.answer(asked, user, code=code), "CUSTOM_CHALLENGE")

    with pytest.raises(InvalidCredentials):
        await stage.answer(asked, user, code=code)

    with pytest.raises(ChallengeExpired):
        await stage.answer(asked, user, code=code)
