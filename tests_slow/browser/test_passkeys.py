"""Passkeys in a real Chromium with virtual authenticators, from the page to the local Cognito."""

from typing import Any, Final

import aiohttp
import pytest

from tests.contracts.authenticator_app import App
from tests.end_to_end.calls import call, log_in
from tests_slow.browser.chromium import Page, ScriptFailed, script

MFA: Final = "/api/auth/mfa"
# What a front end does; responses are returned as [status, body].
FRONT_END: Final = """
const api = async (method, path, body, token) => {
  const headers = {"Content-Type": "application/json"};
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(path, {method, headers, body: body && JSON.stringify(body)});
  const text = await answer.text();
  return [answer.status, text && JSON.parse(text)];
};
const register = async (token) => {
  const [, {options}] = await api("POST", "/api/auth/passkeys/options", {}, token);
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const credential = await navigator.credentials.create({publicKey});
  return api("POST", "/api/auth/passkeys", {credential: credential.toJSON()}, token);
};
const signIn = async (username) => {
  const begun = {username, preferredChallenge: "WEB_AUTHN"};
  const [status, {challenge}] = await api("POST", "/api/auth/login", begun);
  if (status !== 200 || challenge.name !== "WEB_AUTHN") return [status, challenge];
  const options = JSON.parse(challenge.parameters.CREDENTIAL_REQUEST_OPTIONS);
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const credential = await navigator.credentials.get({publicKey});
  const {name, session} = challenge;
  const answer = {credential: credential.toJSON()};
  return api("POST", "/api/auth/challenge", {name, session, username, answer});
};
"""


async def _register(page: Page, token: str) -> int:
    status: int = (await page.run(script(FRONT_END + "return register(token);", token=token)))[0]
    return status


async def _sign_in(page: Page, username: str) -> tuple[int, Any]:
    status, body = await page.run(script(FRONT_END + "return signIn(username);", username=username))
    return status, body


async def _passkeys(service: aiohttp.ClientSession, token: str) -> list[dict[str, Any]]:
    listed = await call(
        service, "GET", "/api/auth/passkeys", headers={"Authorization": f"Bearer {token}"}
    )
    passkeys: list[dict[str, Any]] = listed.body["passkeys"]
    return passkeys


@pytest.fixture(name="token")
async def _token(service: aiohttp.ClientSession, user: str) -> str:
    """Return an access token of the user."""
    token: str = (await log_in(service, user)).body["accessToken"]
    return token


async def test_passkey_of_a_browser_signs_in(
    page: Page, service: aiohttp.ClientSession, user: str, token: str
) -> None:
    """What Chromium creates and signs is accepted, again and again, until it is deleted."""
    await page.add_authenticator()

    registered = await _register(page, token)
    signed_in = [await _sign_in(page, user) for _ in range(2)]
    (passkey,) = await _passkeys(service, token)
    headers = {"Authorization": f"Bearer {token}"}
    await call(service, "DELETE", f"/api/auth/passkeys/{passkey['id']}", headers=headers)
    status, offered = await _sign_in(page, user)

    assert registered == 201
    assert [status for status, _ in signed_in] == [200, 200]
    assert all(tokens["tokenType"] == "Bearer" for _, tokens in signed_in)
    assert passkey["relyingPartyId"] == "localhost"
    assert passkey["attachment"] == "platform"
    assert passkey["transports"] == ["internal"]
    assert passkey["name"]
    assert passkey["createdAt"]
    assert (status, offered["name"]) == (200, "SELECT_CHALLENGE")
    assert "WEB_AUTHN" not in offered["available"]


async def test_second_passkey_is_made_on_another_authenticator(
    page: Page, service: aiohttp.ClientSession, user: str, token: str
) -> None:
    """The options exclude registered passkeys: the same authenticator makes no second one."""
    first = await page.add_authenticator()
    assert await _register(page, token) == 201

    with pytest.raises(ScriptFailed) as refused:
        await _register(page, token)
    await page.remove_authenticator(first)
    await page.add_authenticator(transport="usb")
    registered = await _register(page, token)
    status, _ = await _sign_in(page, user)

    assert refused.value.name == "InvalidStateError"
    assert (registered, status) == (201, 200)
    attachments = [passkey["attachment"] for passkey in await _passkeys(service, token)]
    assert attachments == ["platform", "cross-platform"]


async def test_passkey_is_both_factors(
    page: Page, service: aiohttp.ClientSession, user: str, token: str
) -> None:
    """Beside an app, a passkey signs in without a code; a password does not."""
    headers = {"Authorization": f"Bearer {token}"}
    await page.add_authenticator()
    await _register(page, token)
    begun = await call(service, "POST", f"{MFA}/totp", headers=headers)
    app = App(begun.body["secret"])
    await call(service, "POST", f"{MFA}/totp/verify", {"code": app.now()}, headers)
    factors = {"enabled": ["SOFTWARE_TOKEN_MFA"], "preferred": "SOFTWARE_TOKEN_MFA"}
    await call(service, "PUT", MFA, factors, headers)
    _, offered = await _sign_in(page, user)

    both = {**factors, "enabled": ["SOFTWARE_TOKEN_MFA", "WEB_AUTHN_MFA"]}
    enabled = await call(service, "PUT", MFA, both, headers)
    read = await call(service, "GET", MFA, headers=headers)
    status, tokens = await _sign_in(page, user)
    by_password = await log_in(service, user)

    assert offered["available"] == ["PASSWORD"]
    assert (enabled.status, read.body) == (204, both)
    assert (status, tokens.get("tokenType")) == (200, "Bearer")
    assert by_password.body["challenge"]["name"] == "SOFTWARE_TOKEN_MFA"


async def test_authenticator_must_verify_the_user(page: Page, token: str) -> None:
    """Where a passkey can be both factors, an authenticator without a PIN or the like makes none."""
    await page.add_authenticator(hasUserVerification=False, isUserVerified=False)

    with pytest.raises(ScriptFailed) as refused:
        await _register(page, token)

    assert refused.value.name == "NotAllowedError"


async def test_page_of_another_host_makes_no_passkey(
    page: Page, service: aiohttp.ClientSession, token: str
) -> None:
    """The relying party of the options is the configured domain, which the browser enforces."""
    await page.add_authenticator()
    async with service.get("/health/live") as answer:
        port = answer.url.port
    await page.open(f"http://127.0.0.1:{port}/health/live")

    # 127.0.0.1 is a secure context, but no page of the relying party.
    with pytest.raises(ScriptFailed) as refused:
        await _register(page, token)

    assert refused.value.name == "SecurityError"
    assert await _passkeys(service, token) == []


async def test_signature_of_another_challenge_is_refused(page: Page, user: str, token: str) -> None:
    """A signature of this browser's own passkey over a challenge that was not issued is worth nothing."""
    await page.add_authenticator()
    await _register(page, token)

    status, problem = await page.run(
        script(
            FRONT_END
            + """
            const begun = {username, preferredChallenge: "WEB_AUTHN"};
            const [, {challenge}] = await api("POST", "/api/auth/login", begun);
            const options = JSON.parse(challenge.parameters.CREDENTIAL_REQUEST_OPTIONS);
            options.challenge = "AAAA" + options.challenge.slice(4);
            const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
            const credential = (await navigator.credentials.get({publicKey})).toJSON();
            const {name, session} = challenge;
            const body = {name, session, username, answer: {credential}};
            return api("POST", "/api/auth/challenge", body);
            """,
            username=user,
        )
    )

    assert (status, problem["code"]) == (401, "invalid_credentials")
