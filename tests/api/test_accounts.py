"""Sign-up, confirmation, log-in and log-out over HTTP, with a fake user pool."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from service.app import Adapters
from service.domain.accounts import NewAccount, SignedUp
from service.domain.client import Client
from service.domain.sessions import Challenge
from tests.api.conftest import Api, Start
from tests.support.accounts import PASSWORD
from tests.support.fakes.registrations import MemoryRegistrations
from tests.support.fakes.user_pool import MemoryUserPool

ALICE = {"username": "alice", "password": PASSWORD}


@pytest.fixture
async def confirmed(api: Api, user_pool: MemoryUserPool) -> Api:
    """Start a service with a confirmed account for alice."""
    await api.post("/api/auth/signup", json=ALICE)
    code = user_pool.code("alice")
    answer = await api.post("/api/auth/confirm", json={"username": "alice", "code": code})
    assert (answer.status, await answer.json()) == (200, {"confirmed": True})
    return api


async def _tokens(api: Api) -> dict[str, Any]:
    answer = await api.post("/api/auth/login", json=ALICE)
    assert answer.status == 200
    tokens: dict[str, Any] = await answer.json()
    return tokens


async def test_sign_up_returns_the_destination_of_the_code(api: Api) -> None:
    """A new account has an id and is not confirmed; the response has the delivery if there is one."""
    answer = await api.post(
        "/api/auth/signup", json={**ALICE, "attributes": {"email": "alice@example.com"}}
    )

    body = await answer.json()
    assert answer.status == 201
    assert body == {
        "userId": body["userId"],
        "confirmed": False,
        "delivery": {"medium": "EMAIL", "destination": "a***@e***", "attribute": "email"},
    }


async def test_taken_name_is_a_conflict(api: Api) -> None:
    """A taken user name is refused with its own code."""
    first = await api.post("/api/auth/signup", json=ALICE)
    second = await api.post("/api/auth/signup", json=ALICE)

    assert "delivery" not in await first.json()
    assert (second.status, (await second.json())["code"]) == (409, "user_exists")


@pytest.mark.parametrize("name", ["sub", "email_verified", "custom:role", "ClientMetadata"])
async def test_attribute_that_callers_may_not_set_is_refused_by_name(api: Api, name: str) -> None:
    """Attributes that verify an address or grant rights are refused."""
    answer = await api.post("/api/auth/signup", json={**ALICE, "attributes": {name: "x"}})

    assert answer.status == 422
    assert [entry["field"] for entry in (await answer.json())["errors"]] == [f"attributes.{name}"]


async def test_writable_attributes_are_a_setting(start: Start) -> None:
    """A setting lists the attributes that callers may set."""
    api = await start({"auth": {"writable-attributes": "nickname"}})

    nickname = await api.post("/api/auth/signup", json={**ALICE, "attributes": {"nickname": "x"}})
    email = await api.post("/api/auth/signup", json={**ALICE, "attributes": {"email": "a@b.co"}})

    assert (nickname.status, email.status) == (201, 422)


UNIFORM = {"auth": {"uniform-signup": "true"}}


async def test_uniform_sign_up_does_not_reveal_accounts(
    start: Start, user_pool: MemoryUserPool
) -> None:
    """With uniform sign-up a taken name gets the response of a new one, and the account is unchanged."""
    api = await start(UNIFORM)
    body = {**ALICE, "attributes": {"email": "alice@example.com"}}
    new = await api.post("/api/auth/signup", json=body)
    code = user_pool.code("alice")

    with capture_logs() as logs:
        taken = await api.post("/api/auth/signup", json={**body, "password": "Another1!"})

    assert (new.status, await new.read()) == (taken.status, await taken.read())
    assert (new.status, await new.json()) == (201, {"confirmed": False})
    assert _lasting(new.headers) == _lasting(taken.headers)
    assert user_pool.code("alice") == code
    (event,) = (line for line in logs if line["event"] == "sign_up_refused")
    assert event["code"] == "user_exists"
    assert event["account"] != "alice"


@pytest.mark.parametrize("username", ["alice", "bob"])
async def test_uniform_sign_up_checks_the_password_first(start: Start, username: str) -> None:
    """A weak password is refused for a taken name and for a new one."""
    api = await start(UNIFORM)
    await api.post("/api/auth/signup", json=ALICE)

    answer = await api.post("/api/auth/signup", json={"username": username, "password": "weak"})

    assert (answer.status, (await answer.json())["code"]) == (422, "weak_password")


async def test_account_that_its_password_proved_has_no_id(start: Start, memory: Adapters) -> None:
    """If the user pool's response was lost, the account exists and its id is left out."""

    class Recovered(MemoryRegistrations):
        async def sign_up(self, account: NewAccount, client: Client) -> SignedUp:
            await super().sign_up(account, client)
            return SignedUp(None, confirmed=False, delivery=None)

    provider = replace(memory.identity_provider, registrations=Recovered(MemoryUserPool()))
    api = await start(adapters=replace(memory, identity_provider=provider))

    answer = await api.post("/api/auth/signup", json=ALICE)

    assert (answer.status, await answer.json()) == (201, {"confirmed": False})


@pytest.mark.parametrize("field", ["SecretHash", "AuthFlow", "ClientId", "UserContextData"])
@pytest.mark.parametrize("path", ["signup", "login", "confirm", "resend", "refresh", "logout"])
async def test_parameter_of_cognito_in_a_body_is_refused(api: Api, path: str, field: str) -> None:
    """Unknown fields of a body are refused and not passed to Cognito."""
    answer = await api.post(f"/api/auth/{path}", json={field: "x"})

    assert answer.status == 422
    assert field in [entry["field"] for entry in (await answer.json())["errors"]]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", ""),
        ("username", "a b"),
        ("username", "a\n"),
        ("username", "x" * 129),
        ("username", 7),
        ("username", None),
        ("password", ""),
        ("password", "x" * 257),
        ("password", ["x"]),
    ],
)
async def test_unfit_user_name_or_password_is_refused(api: Api, field: str, value: object) -> None:
    """Values beyond Cognito's limits are refused without calling it."""
    answer = await api.post("/api/auth/login", json={**ALICE, field: value})

    assert answer.status == 422
    assert [entry["field"] for entry in (await answer.json())["errors"]] == [field]


async def test_password_is_taken_as_it_is(api: Api, user_pool: MemoryUserPool) -> None:
    """A password is compared as sent, with the white space inside and around it."""
    spaced = {"username": "spaced", "password": f"{PASSWORD}  {PASSWORD}"}
    await api.post("/api/auth/signup", json=spaced)
    code = user_pool.code("spaced")
    await api.post("/api/auth/confirm", json={"username": "spaced", "code": code})

    wider = {**spaced, "password": f" {spaced['password']} "}
    padded = await api.post("/api/auth/login", json=wider)
    exact = await api.post("/api/auth/login", json=spaced)

    assert (padded.status, exact.status) == (401, 200)


async def test_wrong_code_is_refused(api: Api) -> None:
    """A wrong code is the same 400 for existing and unknown users."""
    await api.post("/api/auth/signup", json=ALICE)

    known = await api.post("/api/auth/confirm", json={"username": "alice", "code": "999999"})
    unknown = await api.post("/api/auth/confirm", json={"username": "nobody", "code": "999999"})

    assert (known.status, unknown.status) == (400, 400)
    assert _without_id(await known.json()) == _without_id(await unknown.json())


async def test_resend_answers_alike_for_everybody(confirmed: Api) -> None:
    """A resend does not reveal whether an account exists or is confirmed."""
    await confirmed.post("/api/auth/signup", json={**ALICE, "username": "waiting"})

    answers = [
        await confirmed.post("/api/auth/resend", json={"username": username})
        for username in ("waiting", "alice", "nobody")
    ]

    assert [(answer.status, await answer.json()) for answer in answers] == [(202, {})] * 3


async def test_log_in_gives_tokens(confirmed: Api) -> None:
    """The tokens have the names of the contract."""
    tokens = await _tokens(confirmed)

    assert set(tokens) == {
        "userId",
        "idToken",
        "accessToken",
        "refreshToken",
        "tokenType",
        "expiresIn",
    }
    assert (tokens["tokenType"], tokens["expiresIn"]) == ("Bearer", 3_600)


async def test_unknown_user_and_wrong_password_get_the_same_answer(confirmed: Api) -> None:
    """Status, headers and body of a refused log-in do not reveal whether an account exists."""
    wrong = await confirmed.post("/api/auth/login", json={**ALICE, "password": "Wrong123!"})
    unknown = await confirmed.post("/api/auth/login", json={**ALICE, "username": "nobody"})

    assert (wrong.status, unknown.status) == (401, 401)
    assert _without_id(await wrong.json()) == _without_id(await unknown.json())
    assert _lasting(wrong.headers) == _lasting(unknown.headers)


@pytest.mark.parametrize(
    ("challenge", "body"),
    [
        (
            Challenge("SOFTWARE_TOKEN_MFA", "the-session", {"USER_ID_FOR_SRP": "alice"}),
            {
                "name": "SOFTWARE_TOKEN_MFA",
                "session": "the-session",
                "parameters": {"USER_ID_FOR_SRP": "alice"},
            },
        ),
        (
            Challenge("SELECT_CHALLENGE", None, {}, ("PASSWORD", "EMAIL_OTP")),
            {
                "name": "SELECT_CHALLENGE",
                "parameters": {},
                "available": ["PASSWORD", "EMAIL_OTP"],
            },
        ),
    ],
    ids=["with a session", "with a choice"],
)
async def test_challenge_is_an_answer(
    confirmed: Api,
    user_pool: MemoryUserPool,
    challenge: Challenge,
    body: dict[str, object],
) -> None:
    """A challenge is a successful response, not an error."""
    user_pool.challenge = challenge

    answer = await confirmed.post("/api/auth/login", json=ALICE)

    assert (answer.status, await answer.json()) == (200, {"challenge": body})


async def test_refresh_gives_new_tokens(confirmed: Api) -> None:
    """A refresh returns new tokens, without a refresh token if the old one stays valid."""
    tokens = await _tokens(confirmed)

    answer = await confirmed.post(
        "/api/auth/refresh", json={"refreshToken": tokens["refreshToken"]}
    )

    body = await answer.json()
    assert answer.status == 200
    assert body["accessToken"] != tokens["accessToken"]
    assert "refreshToken" not in body


async def test_logged_out_session_is_over(confirmed: Api) -> None:
    """A log-out revokes the refresh token; repeating it succeeds."""
    session = {"refreshToken": (await _tokens(confirmed))["refreshToken"]}

    answers = [await confirmed.post("/api/auth/logout", json=session) for _ in range(2)]
    refused = await confirmed.post("/api/auth/refresh", json=session)

    assert [(answer.status, await answer.read()) for answer in answers] == [(204, b"")] * 2
    assert (refused.status, (await refused.json())["code"]) == (401, "refresh_token_invalid")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_logging_out_everywhere_ends_every_session(confirmed: Api, scheme: str) -> None:
    """The access token ends all sessions of its user."""
    one, other = await _tokens(confirmed), await _tokens(confirmed)

    answer = await confirmed.post(
        "/api/auth/logout",
        json={"everywhere": True},
        headers={"Authorization": f"{scheme} {one['accessToken']}"},
    )
    refused = await confirmed.post(
        "/api/auth/refresh", json={"refreshToken": other["refreshToken"]}
    )

    assert answer.status == 204
    assert refused.status == 401


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "")],
        [("Authorization", "Bearer")],
        [("Authorization", "Basic abc")],
        [("Authorization", "Bearer a b")],
        [("Authorization", "Bearer a"), ("Authorization", "Bearer a")],
        [("Authorization", "Bearer é")],
        [("Authorization", "Bearer unknown")],
    ],
    ids=str,
)
async def test_logging_out_everywhere_needs_an_access_token(
    api: Api, headers: list[tuple[str, str]]
) -> None:
    """A log-out everywhere requires exactly one bearer token."""
    answer = await api.post("/api/auth/logout", json={"everywhere": True}, headers=headers)

    assert (answer.status, (await answer.json())["code"]) == (401, "token_invalid")
    has_error = 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert has_error == any(value.startswith("Bearer") for _, value in headers)


@pytest.mark.parametrize("body", [{}, {"everywhere": False}])
async def test_logging_out_of_nothing_is_refused(api: Api, body: dict[str, object]) -> None:
    """A log-out without a session to end is refused."""
    answer = await api.post("/api/auth/logout", json=body)

    assert answer.status == 422
    assert (await answer.json())["errors"][0]["field"] == "refreshToken"


@pytest.mark.parametrize("value", ["true", 1, None])
async def test_everywhere_is_a_boolean(api: Api, value: object) -> None:
    """Only true and false are booleans."""
    answer = await api.post("/api/auth/logout", json={"everywhere": value})

    assert answer.status == 422


def _lasting(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that are the same in each response."""
    varying = {"x-request-id", "date"}
    return {name: value for name, value in headers.items() if name.lower() not in varying}


def _without_id(problem: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in problem.items() if name != "requestId"}
