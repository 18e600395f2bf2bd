"""The operations of a signed-in user over HTTP, with a fake user pool."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyotp
import pytest
from structlog.testing import capture_logs

from service.api.routes import SIGNED_IN, Route
from service.app import Adapters
from service.domain.accounts import Delivery
from service.domain.client import UNKNOWN_CLIENT, Client
from service.domain.mfa import TOTP
from tests.api.conftest import Api, Start
from tests.support.accounts import PASSWORD
from tests.support.fakes.own_account import MemoryOwnAccount
from tests.support.fakes.user_pool import MemoryUserPool
from tests.support.fakes.user_pool_rules import PoolRules
from tests.support.webauthn_authenticator import Authenticator

ADDRESS = "alice@example.com"
ALICE = {"username": "alice", "password": PASSWORD}
BODIES: Mapping[tuple[str, str], Mapping[str, object]] = {
    ("POST", "/api/auth/password/change"): {"currentPassword": PASSWORD, "newPassword": "x"},
    ("PATCH", "/api/auth/me"): {"attributes": {"name": "Alice"}},
    ("POST", "/api/auth/me/verification"): {"attribute": "email"},
    ("POST", "/api/auth/me/verification/confirm"): {"attribute": "email", "code": "123456"},
    ("PUT", "/api/auth/mfa"): {"enabled": []},
    ("POST", "/api/auth/mfa/totp/verify"): {"code": "123456"},
    ("POST", "/api/auth/passkeys"): {"credential": {"id": "x"}},
}


@dataclass(frozen=True)
class Caller:
    """A user who has signed in."""

    api: Api
    token: str

    async def call(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> tuple[int, Any]:
        """Send a request; return the status and the JSON, if any."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = await self.api.request(method, path, json=body, headers=headers)
        text = await answer.read()
        return answer.status, json.loads(text) if text else None


class TwoAddresses(MemoryOwnAccount):
    """Sends two codes for every change."""

    async def change_attributes(
        self,
        access_token: str,
        changes: Mapping[str, str | None],
        client: Client = UNKNOWN_CLIENT,
    ) -> tuple[Delivery, ...]:
        """Return two deliveries without changing anything."""
        del access_token, changes, client
        return Delivery("EMAIL", "a***", "email"), Delivery("SMS", "+***", "phone_number")


@pytest.fixture
def user_pool() -> MemoryUserPool:
    """Return accounts of a pool that offers authenticator apps and passkeys."""
    return MemoryUserPool(
        PoolRules(mfa="OPTIONAL", second_factors=(TOTP,), relying_party="localhost")
    )


@pytest.fixture
async def alice(api: Api, user_pool: MemoryUserPool) -> Caller:
    """Sign alice up and in."""
    await api.post("/api/auth/signup", json={**ALICE, "attributes": {"email": ADDRESS}})
    confirmation = {"username": "alice", "code": user_pool.code("alice")}
    await api.post("/api/auth/confirm", json=confirmation)
    answer = await api.post("/api/auth/login", json=ALICE)
    return Caller(api, (await answer.json())["accessToken"])


@pytest.mark.parametrize("route", SIGNED_IN, ids=lambda route: f"{route.method} {route.path}")
@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer unknown"}, {"x-amzn-oidc-identity": "alice"}],
    ids=["nothing", "unknown", "plain header"],
)
async def test_access_token_is_needed(api: Api, route: Route, headers: dict[str, str]) -> None:
    """Without a valid token every operation is 401; WWW-Authenticate has an error if one was sent."""
    path = route.path.replace("{id}", "some-id")
    body = BODIES.get((route.method, route.path))

    answer = await api.request(route.method, path, json=body, headers=headers)

    assert (answer.status, (await answer.json())["code"]) == (401, "token_invalid")
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="user-profile-service"')
    assert ('error="invalid_token"' in challenge) == ("Authorization" in headers)


async def test_load_balancers_access_token_will_do(alice: Caller) -> None:
    """Behind a load balancer that signs users in, its header has the token."""
    answer = await alice.api.get("/api/auth/me", headers={"x-amzn-oidc-accesstoken": alice.token})

    assert (answer.status, (await answer.json())["username"]) == (200, "alice")


async def test_account_is_read_and_changed(alice: Caller, user_pool: MemoryUserPool) -> None:
    """Attributes are set and removed; the response has the destination of a code."""
    _, before = await alice.call("GET", "/api/auth/me")
    named = await alice.call("PATCH", "/api/auth/me", {"attributes": {"name": "Alice"}})
    moved = await alice.call("PATCH", "/api/auth/me", {"attributes": {"email": "b@example.com"}})
    proof = {"attribute": "email", "code": user_pool.code("alice")}
    proved = await alice.call("POST", "/api/auth/me/verification/confirm", proof)
    _, after = await alice.call("GET", "/api/auth/me")

    assert before["attributes"]["email"] == ADDRESS
    assert named == (200, {})
    assert (moved[0], moved[1]["delivery"]["attribute"]) == (200, "email")
    assert proved == (204, None)
    assert (after["attributes"]["name"], after["attributes"]["email"]) == ("Alice", "b@example.com")


@pytest.mark.parametrize("kind", ["application/merge-patch+json", "application/json"])
async def test_change_accepts_the_media_types_of_options(alice: Caller, kind: str) -> None:
    """A change of attributes accepts all media types of Accept-Patch."""
    options = await alice.api.options("/api/auth/me")
    headers = {"Authorization": f"Bearer {alice.token}", "Content-Type": kind}

    answer = await alice.api.patch(
        "/api/auth/me", data=b'{"attributes": {"name": "Alice"}}', headers=headers
    )

    assert kind in options.headers["Accept-Patch"].split(", ")
    assert answer.status == 200


async def test_two_deliveries_are_both_returned(
    start: Start, memory: Adapters, alice: Caller
) -> None:
    """The response names the destinations of two codes."""
    provider = replace(memory.identity_provider, own_account=TwoAddresses(MemoryUserPool()))
    api = await start(adapters=replace(memory, identity_provider=provider))

    status, told = await Caller(api, alice.token).call(
        "PATCH", "/api/auth/me", {"attributes": {"name": "x"}}
    )

    assert status == 200
    assert [delivery["medium"] for delivery in told["deliveries"]] == ["EMAIL", "SMS"]
    assert told["delivery"] == told["deliveries"][0]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"attributes": {"sub": "x"}}, "attributes.sub"),
        ({"attributes": {"email_verified": "true"}}, "attributes.email_verified"),
        ({"attributes": {"custom:role": "admin"}}, "attributes.custom:role"),
        ({"attributes": {}}, "attributes"),
        ({}, "attributes"),
        ({"attributes": {"name": 7}}, "attributes.name"),
        ({"attributes": "name"}, "attributes"),
        ({"AccessToken": "x", "attributes": {"name": "x"}}, "AccessToken"),
    ],
    ids=str,
)
async def test_what_a_user_may_not_change_is_refused_by_name(
    alice: Caller, body: dict[str, object], field: str
) -> None:
    """Attributes that are not writable are refused."""
    status, problem = await alice.call("PATCH", "/api/auth/me", body)

    assert (status, [entry["field"] for entry in problem["errors"]]) == (422, [field])


async def test_verification_is_sent_again(alice: Caller, user_pool: MemoryUserPool) -> None:
    """A new code is sent to the user's own address; a wrong code verifies nothing."""
    sent = await alice.call("POST", "/api/auth/me/verification", {"attribute": "email"})
    wrong = {"attribute": "email", "code": "000000"}
    refused = await alice.call("POST", "/api/auth/me/verification/confirm", wrong)
    other = await alice.call("POST", "/api/auth/me/verification", {"attribute": "nickname"})

    assert (sent[0], sent[1]["delivery"]["medium"]) == (202, "EMAIL")
    assert (refused[0], refused[1]["code"]) == (400, "code_mismatch")
    assert (other[0], other[1]["errors"][0]["field"]) == (422, "attribute")
    assert user_pool.code("alice") != "000000"


async def test_password_is_changed(alice: Caller) -> None:
    """A password change requires the current password and a valid new one."""
    path = "/api/auth/password/change"
    new = {"currentPassword": PASSWORD, "newPassword": "Another1!"}

    wrong = await alice.call("POST", path, {**new, "currentPassword": "Wrong123!"})
    weak = await alice.call("POST", path, {**new, "newPassword": "weak"})
    done = await alice.call("POST", path, new)
    old = await alice.api.post("/api/auth/login", json=ALICE)

    assert (wrong[0], wrong[1]["code"]) == (401, "invalid_credentials")
    assert (weak[0], weak[1]["code"]) == (422, "weak_password")
    assert done == (204, None)
    assert old.status == 401


async def test_second_factor_is_set_up(alice: Caller) -> None:
    """An authenticator app is set up with a secret and a code; then a sign-in requires it."""
    none = await alice.call("GET", "/api/auth/mfa")
    _, begun = await alice.call("POST", "/api/auth/mfa/totp")
    app = pyotp.parse_uri(begun["uri"])
    assert isinstance(app, pyotp.TOTP)
    wrong = await alice.call("POST", "/api/auth/mfa/totp/verify", {"code": "abcdef"})
    proof = {"code": app.now(), "deviceName": "A phone"}
    verified = await alice.call("POST", "/api/auth/mfa/totp/verify", proof)
    chosen = {"enabled": ["SOFTWARE_TOKEN_MFA"], "preferred": "SOFTWARE_TOKEN_MFA"}
    enabled = await alice.call("PUT", "/api/auth/mfa", chosen)
    read = await alice.call("GET", "/api/auth/mfa")
    login = await alice.api.post("/api/auth/login", json=ALICE)

    assert none == (200, {"enabled": []})
    assert (app.name, app.secret) == (ADDRESS, begun["secret"])
    assert (wrong[0], wrong[1]["errors"][0]["field"]) == (422, "code")
    assert (verified, enabled) == ((204, None), (204, None))
    assert read == (200, chosen)
    assert (await login.json())["challenge"]["name"] == "SOFTWARE_TOKEN_MFA"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"enabled": ["SMS"]}, "enabled.0"),
        ({"enabled": [], "preferred": "SMS_MFA"}, "preferred"),
        ({"preferred": "SMS_MFA"}, "enabled"),
        ({"enabled": True}, "enabled"),
        ({"enabled": ["WEB_AUTHN_MFA"]}, "enabled"),
        (
            {"enabled": ["SMS_MFA", "WEB_AUTHN_MFA"], "preferred": "WEB_AUTHN_MFA"},
            "preferred",
        ),
    ],
    ids=str,
)
async def test_odd_preference_is_refused(
    alice: Caller, body: dict[str, object], field: str
) -> None:
    """The preferred factor must be an enabled one, and no passkey, which goes with another factor."""
    status, problem = await alice.call("PUT", "/api/auth/mfa", body)

    assert (status, problem["errors"][0]["field"]) == (422, field)


async def test_passkey_is_kept_and_deleted(alice: Caller) -> None:
    """A passkey is registered, listed and deleted."""
    path = "/api/auth/passkeys"
    early = await alice.call("POST", path, {"credential": {"id": "x", "type": "public-key"}})
    _, begun = await alice.call("POST", f"{path}/options")
    made = Authenticator().register(begun["options"])
    registered = await alice.call("POST", path, {"credential": made})
    _, listed = await alice.call("GET", path)
    (passkey,) = listed["passkeys"]
    deleted = await alice.call("DELETE", f"{path}/{passkey['id']}")
    again = await alice.call("DELETE", f"{path}/{passkey['id']}")

    assert early[0] >= 400
    assert registered == (201, None)
    assert passkey["id"] == made["id"]
    assert deleted == (204, None)
    assert (again[0], again[1]["code"]) == (404, "passkey_not_found")


async def test_deletion_deletes_the_profile_too(alice: Caller) -> None:
    """Deletion removes account and profile, and no profile can be created afterwards."""
    _, me = await alice.call("GET", "/api/auth/me")
    identity = {"x-amzn-oidc-identity": me["userId"]}
    await alice.api.post("/v1/user/profile", json={"city": "Mumbai"}, headers=identity)

    deleted = await alice.call("DELETE", "/api/auth/me")
    again = await alice.call("DELETE", "/api/auth/me")
    read = await alice.api.get("/v1/user/profile", headers=identity)
    revived = await alice.api.post("/v1/user/profile", json={}, headers=identity)

    assert deleted == (204, None)
    assert (again[0], again[1]["code"]) == (401, "token_invalid")
    assert read.status == 404
    assert (revived.status, (await revived.json())["code"]) == (403, "account_closed")


async def test_events_name_the_user(alice: Caller) -> None:
    """Each audit event has the user, the client and the request, and no secret."""
    _, me = await alice.call("GET", "/api/auth/me")

    with capture_logs() as logs:
        await alice.call("PATCH", "/api/auth/me", {"attributes": {"name": "Alice"}})
        await alice.call("PUT", "/api/auth/mfa", {"enabled": []})
        await alice.call("PUT", "/api/auth/mfa", {"enabled": ["SOFTWARE_TOKEN_MFA"]})

    events = [line for line in logs if line["event"] != "request_finished"]
    assert [(line["event"], line["address"]) for line in events] == [
        ("attributes_changed", "127.0.0.1"),
        ("mfa_disabled", "127.0.0.1"),
        ("mfa_change_refused", "127.0.0.1"),
    ]
    assert {line["sub"] for line in events} == {me["userId"]}
    assert events[0]["detail"] == "name"
    assert events[2]["code"] == "mfa_not_configured"
    assert alice.token not in str(logs)
