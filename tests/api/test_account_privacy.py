"""Sign-up and sign-in do not reveal accounts, and the log does not reveal user names."""

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from service.api import keys
from service.app import Adapters
from service.domain.accounts import NewAccount, SignedUp
from service.domain.client import Client
from service.domain.errors import DeliveryFailed, ServiceError, TooManyAttempts
from service.observability.logs import identity_hash
from tests.api.conftest import Api, Start
from tests.support.accounts import PASSWORD
from tests.support.fakes.identity_provider import memory_identity_provider
from tests.support.fakes.registrations import MemoryRegistrations
from tests.support.fakes.user_pool import MemoryUserPool
from tests.support.fakes.user_pool_rules import PoolRules

UNIFORM = {"auth": {"uniform-signup": "true"}}
GUESS = "Attacker1!"
WRONG = "Wrong1!!"
NEW = "N3w-password"
TYPED = "Corr3ct-horse!"  # a password in the user name field


async def _code(api: Api, path: str, **body: object) -> tuple[int, str | None]:
    """Return the status and the code of an answer."""
    answer = await api.post(f"/api/auth/{path}", json=body)
    return answer.status, (await answer.json()).get("code") if await answer.read() else None


@pytest.fixture
def passwordless() -> MemoryUserPool:
    """Return a user pool that accepts any code."""
    return MemoryUserPool(
        PoolRules(first_factors=("PASSWORD", "EMAIL_OTP"), custom_challenge=True, mfa="OPTIONAL")
    )


@pytest.fixture
async def codes(start: Start, passwordless: MemoryUserPool, memory: Adapters) -> Api:
    """Start a service in front of that pool, with an account for alice."""
    provider = memory_identity_provider(passwordless)
    api = await start(adapters=replace(memory, identity_provider=provider))
    attributes = {"email": "alice@example.com"}
    await _code(api, "signup", username="alice", password=PASSWORD, attributes=attributes)
    await _code(api, "confirm", username="alice", code=passwordless.code("alice"))
    return api


async def test_login_does_not_undo_a_uniform_sign_up(start: Start) -> None:
    """After uniform sign-up, a log-in gets the same response for a new name and a taken one."""
    api = await start(UNIFORM)
    await _code(api, "signup", username="taken", password=PASSWORD)

    answers = []
    for name in ("taken", "new"):
        signed_up = await _code(api, "signup", username=name, password=GUESS)
        answers.append((signed_up, await _code(api, "login", username=name, password=GUESS)))

    assert answers[0] == answers[1] == ((201, None), (401, "invalid_credentials"))


async def test_required_reset_is_hidden_with_uniform_sign_up(
    start: Start, user_pool: MemoryUserPool
) -> None:
    """A required password reset, which Cognito reports for existing users only, is not revealed."""
    api = await start(UNIFORM)
    await _code(api, "signup", username="alice", password=PASSWORD)
    user_pool.require_reset("alice")

    told = await _code(api, "login", username="alice", password=GUESS)

    assert told == (401, "invalid_credentials")


@pytest.mark.parametrize("refusal", [DeliveryFailed(), TooManyAttempts(retry_after_s=3_600)])
@pytest.mark.parametrize("uniform", [True, False])
async def test_uniform_sign_up_hides_what_only_new_names_meet(
    start: Start, memory: Adapters, refusal: ServiceError, *, uniform: bool
) -> None:
    """A failed delivery or a message quota is reported only without uniform sign-up."""

    class Failing(MemoryRegistrations):
        async def sign_up(self, account: NewAccount, client: Client) -> SignedUp:
            del account, client
            raise refusal

    provider = replace(memory.identity_provider, registrations=Failing(MemoryUserPool()))
    adapters = replace(memory, identity_provider=provider)
    api = await start(*([UNIFORM] if uniform else []), adapters=adapters)

    answer = await api.post("/api/auth/signup", json={"username": "new", "password": PASSWORD})

    assert answer.status == (201 if uniform else {"delivery_failed": 502}.get(refusal.code, 429))


async def test_one_address_is_signed_up_ten_times_an_hour(api: Api) -> None:
    """An e-mail address gets at most ten messages, whatever the user names."""
    answers = [
        await _code(
            api,
            "signup",
            username=f"user-{number}",
            password=PASSWORD,
            attributes={"email": "Victim@example.com"},
        )
        for number in range(12)
    ]

    assert answers == [(201, None)] * 10 + [(429, "too_many_attempts")] * 2


async def test_changes_and_codes_of_an_address_count_with_sign_ups(
    start: Start, user_pool: MemoryUserPool
) -> None:
    """Sign-up, a changed address and its verification share the limit of the recipient."""
    api = await start({"limits": {"recipient-per-h": "3"}})
    victim = {"email": "victim@example.com"}
    await _code(api, "signup", username="alice", password=PASSWORD)
    await _code(api, "confirm", username="alice", code=user_pool.code("alice"))
    signed_in = await api.post("/api/auth/login", json={"username": "alice", "password": PASSWORD})
    headers = {"Authorization": f"Bearer {(await signed_in.json())['accessToken']}"}
    await _code(api, "signup", username="bob", password=PASSWORD, attributes=victim)

    me, verification = "/api/auth/me", "/api/auth/me/verification"
    changed = await api.patch(me, json={"attributes": victim}, headers=headers)
    asked = [
        await api.post(verification, json={"attribute": "email"}, headers=headers) for _ in "12"
    ]
    other = await api.patch(me, json={"attributes": {"name": "Alice"}}, headers=headers)
    again = await api.patch(me, json={"attributes": victim}, headers=headers)

    assert [answer.status for answer in (changed, *asked)] == [200, 202, 429]
    assert (other.status, again.status) == (200, 429)
    absent = await api.post(verification, json={"attribute": "phone_number"}, headers=headers)
    assert absent.status == 422


async def test_sign_in_by_code_sends_ten_an_hour(codes: Api) -> None:
    """Of forty sign-ins that begin with a code, ten send one."""
    answers = [
        await _code(codes, "login", username="alice", preferredChallenge="EMAIL_OTP")
        for _ in range(40)
    ]

    assert answers == [(200, None)] * 10 + [(429, "too_many_attempts")] * 30


@pytest.mark.parametrize(("preferred", "wrong"), [("EMAIL_OTP", 400), ("CUSTOM_CHALLENGE", 200)])
async def test_wrong_codes_lock_the_name(codes: Api, preferred: str, wrong: int) -> None:
    """After five wrong codes the next attempt is refused, whichever response Cognito gave to them."""
    statuses = []
    for _ in range(10):  # after which the lock takes 16 s, even on a slow machine
        begun = await codes.post(
            "/api/auth/login", json={"username": "alice", "preferredChallenge": preferred}
        )
        session = (await begun.json())["challenge"]["session"]
        body = {"name": preferred, "username": "alice", "session": session}
        answer = await codes.post(
            "/api/auth/challenge", json={**body, "answer": {"code": "999999"}}
        )
        statuses.append(answer.status)

    assert statuses[:5] == [wrong] * 5
    assert 429 in statuses[5:]


async def test_reset_unlocks_the_name(codes: Api, passwordless: MemoryUserPool) -> None:
    """A user who has set a new password can sign in with it immediately."""
    wrong = [await _code(codes, "login", username="alice", password=WRONG) for _ in range(10)]
    await _code(codes, "password/forgot", username="alice")
    body = {"username": "alice", "code": passwordless.code("alice"), "password": NEW}
    reset = await codes.post("/api/auth/password/reset", json=body)

    assert (429, "too_many_attempts") in wrong
    assert reset.status == 204
    assert await _code(codes, "login", username="alice", password=NEW) == (200, None)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("login", {"password": "alice@example.com"}),
        ("login", {"preferredChallenge": "EMAIL_OTP"}),
        ("confirm", {"code": "123456"}),
        ("resend", {}),
        ("password/forgot", {}),
        ("password/reset", {"code": "123456", "password": PASSWORD}),
        ("signup", {"password": "weak"}),
    ],
)
async def test_name_that_may_be_a_password_is_hashed_in_the_log(
    codes: Api, path: str, body: dict[str, str]
) -> None:
    """A user name that the pool has not accepted is logged as the same HMAC in each line."""
    with capture_logs() as logs:
        await _code(codes, path, username=TYPED, **body)

    accounts = [line["account"] for line in logs if "account" in line]
    assert accounts == [identity_hash(codes.app[keys.ACCOUNT_HASH_KEY], TYPED)]
    assert TYPED not in str(logs)


async def test_name_of_an_account_is_written_as_it_is(codes: Api) -> None:
    """A user name of a completed sign-in is logged as typed, or hashed with `identities = hashed`."""
    with capture_logs() as logs:
        await _code(codes, "login", username="alice", password=PASSWORD)

    (event,) = (line for line in logs if line["event"] == "signed_in")
    assert event["account"] == "alice"


@pytest.mark.parametrize("identities", ["plain", "hashed"])
async def test_hash_key_is_that_of_the_log(start: Start, identities: str) -> None:
    """With a hash-key a refused name has the same hash as in all other log lines."""
    key = "sixteen characters"
    api = await start({"log": {"identities": identities, "hash-key": key}})

    with capture_logs() as logs:  # without processors, so it hashes nothing
        await _code(api, "login", username="alice", password=WRONG)

    (account,) = (line["account"] for line in logs if line["event"] == "sign_in_refused")
    assert account == ("alice" if identities == "hashed" else identity_hash(key.encode(), "alice"))
