"""The domain of the local user pools: pages, codes, tokens and the OpenID configuration."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aioboto3
import jwt
import pytest
from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient

from local_aws.cognito import totp
from local_aws.server import LocalAws
from tests.local_aws.conftest import LOOPBACK
from tests.local_aws.support import PASSWORD, Clock, refusal
from tests.support.browser import Browser, Page, Proof, browser

CALLBACK = "https://app.example.com/in"
OTHER_CALLBACK = "http://localhost:3000/in?x=1"
CAROL = "carol@example.com"
SCOPES = ("openid", "email", "profile", "aws.cognito.signin.user.admin")
OAUTH: Mapping[str, Any] = {
    "AllowedOAuthFlowsUserPoolClient": True,
    "AllowedOAuthFlows": ["code"],
    "AllowedOAuthScopes": [*SCOPES],
    "CallbackURLs": [CALLBACK, OTHER_CALLBACK],
    "LogoutURLs": [CALLBACK],
    "SupportedIdentityProviders": ["COGNITO", "LocalIdP"],
    "PreventUserExistenceErrors": "ENABLED",
}


@dataclass(frozen=True)
class Domain:
    """A pool with a domain and three clients, and a browser in front of it."""

    url: str
    pool_id: str
    client_id: str
    confidential: tuple[str, str]
    other_client_id: str
    browser: Browser
    cognito: CognitoIdentityProviderClient
    clock: Clock

    def authorize_url(self, proof: Proof, **changes: str | None) -> str:
        """Return the URL of an authorization, with changes; None leaves a parameter out."""
        given = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "scope": " ".join(SCOPES),
            "state": proof.state,
            "code_challenge": proof.challenge,
            "code_challenge_method": "S256",
            **changes,
        }
        parameters = {name: value for name, value in given.items() if value is not None}
        return f"{self.url}/oauth2/authorize?{urlencode(parameters)}"

    async def member(self) -> str:
        """Return a confirmed user of the pool."""
        username = f"user-{Proof().state[:12]}"
        await self.cognito.sign_up(
            ClientId=self.client_id,
            Username=username,
            Password=PASSWORD,
            UserAttributes=[{"Name": "email", "Value": f"{username}@example.com"}],
        )
        await self.cognito.admin_confirm_sign_up(UserPoolId=self.pool_id, Username=username)
        return username

    async def code(self, proof: Proof, **changes: str | None) -> str:
        """Return the code of a sign-in by the external provider."""
        url = self.authorize_url(proof, **{"identity_provider": "LocalIdP", **changes})
        arrived = await self.browser.submit(await self.browser.open(url), email=CAROL)
        return arrived.query["code"]

    async def token(
        self, basic: tuple[str, str] | None = None, **form: str
    ) -> tuple[int, dict[str, Any]]:
        """Call the token endpoint."""
        headers = {}
        if basic is not None:
            credentials = base64.b64encode(":".join(basic).encode()).decode()
            headers["Authorization"] = f"Basic {credentials}"
        async with self.browser.session.post(
            f"{self.url}/oauth2/token", data=form, headers=headers
        ) as answer:
            return answer.status, await answer.json()

    async def exchange(
        self, code: str, proof: Proof, basic: tuple[str, str] | None = None, **changes: str
    ) -> tuple[int, dict[str, Any]]:
        """Exchange a code, with changes of the form."""
        form = {
            "grant_type": "authorization_code",
            "client_id": self.client_id if basic is None else basic[0],
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": proof.verifier,
            **changes,
        }
        return await self.token(basic, **form)


@dataclass(frozen=True)
class Clients:
    """A pool and its app clients."""

    pool_id: str
    public: str
    confidential: tuple[str, str]
    other: str


@pytest.fixture(scope="module")
def clients(aws: LocalAws, session: aioboto3.Session) -> Clients:
    """Create a pool with a domain, once for all tests."""
    return asyncio.run(_create(aws, session))


async def _create(aws: LocalAws, session: aioboto3.Session) -> Clients:
    async with session.client("cognito-idp", endpoint_url=aws.endpoint_url, **LOOPBACK) as cognito:
        pool_id = (await cognito.create_user_pool(PoolName="domain"))["UserPool"]["Id"]
        await cognito.create_user_pool_domain(Domain="d", UserPoolId=pool_id)
        await cognito.create_identity_provider(
            UserPoolId=pool_id,
            ProviderName="LocalIdP",
            ProviderType="OIDC",
            ProviderDetails={},
            AttributeMapping={"email": "email", "email_verified": "email_verified"},
        )
        made: list[Any] = [
            await cognito.create_user_pool_client(
                UserPoolId=pool_id, ClientName=name, GenerateSecret=name == "secret", **OAUTH
            )
            for name in ("public", "secret", "other")
        ]
    public, confidential, other = (each["UserPoolClient"] for each in made)
    secret = (confidential["ClientId"], confidential["ClientSecret"])
    return Clients(pool_id, public["ClientId"], secret, other["ClientId"])


@pytest.fixture
async def domain(
    aws: LocalAws, clients: Clients, cognito: CognitoIdentityProviderClient, clock: Clock
) -> AsyncIterator[Domain]:
    """Open a browser and a client of the API."""
    async with browser() as opened:
        yield Domain(
            aws.endpoint_url,
            clients.pool_id,
            clients.public,
            clients.confidential,
            clients.other,
            opened,
            cognito,
            clock,
        )


def _claims(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


async def _log_in(domain: Domain, page: Page, username: str, password: str = PASSWORD) -> Page:
    return await domain.browser.submit(page, username=username, password=password)


async def test_user_of_the_pool_signs_in_on_the_page(domain: Domain) -> None:
    """The right password leads back with state and code, which is exchanged for tokens."""
    proof, username = Proof(), await domain.member()
    page = await domain.browser.open(domain.authorize_url(proof, nonce="n1"))
    wrong = await _log_in(domain, page, username, "Wrong-1-password")
    unknown = await _log_in(domain, page, "nobody-of-this-name")

    arrived = await _log_in(domain, page, username)
    status, content = await domain.exchange(arrived.query["code"], proof)

    assert wrong.alert == unknown.alert == "Incorrect username or password."
    assert arrived.url.startswith(f"{CALLBACK}?code=")
    assert arrived.query["state"] == proof.state
    assert (status, content["token_type"], content["expires_in"]) == (200, "Bearer", 3_600)
    identity, access = _claims(content["id_token"]), _claims(content["access_token"])
    assert (identity["nonce"], identity["aud"]) == ("n1", domain.client_id)
    assert identity["sub"] == access["sub"]
    assert access["scope"] == " ".join(SCOPES)
    shown = await domain.cognito.get_user(AccessToken=content["access_token"])
    assert shown["Username"] == username


async def test_external_user_gets_an_account_at_the_first_sign_in(domain: Domain) -> None:
    """The user has the provider in name, status and attribute, and is found again."""
    subs = set()
    for _ in range(2):
        proof = Proof()
        _, content = await domain.exchange(await domain.code(proof), proof)
        identity = _claims(content["id_token"])
        subs.add(identity["sub"])
    username = identity["cognito:username"]
    found = await domain.cognito.admin_get_user(UserPoolId=domain.pool_id, Username=username)

    assert len(subs) == 1
    assert username.startswith("LocalIdP_")
    assert found["UserStatus"] == "EXTERNAL_PROVIDER"
    assert identity["email"] == CAROL
    assert identity["email_verified"] is True
    assert identity["identities"][0]["providerName"] == "LocalIdP"
    recovery = domain.cognito.forgot_password(ClientId=domain.client_id, Username=username)
    assert (await refusal(recovery))[0] == "NotAuthorizedException"
    confirmation = domain.cognito.admin_confirm_sign_up(
        UserPoolId=domain.pool_id, Username=username
    )
    assert "EXTERNAL_PROVIDER" in (await refusal(confirmation))[1]


async def test_sign_in_page_leads_to_the_provider(domain: Domain) -> None:
    """The page offers each provider, whose page can be left without signing in."""
    page = await domain.browser.open(domain.authorize_url(Proof()))
    provider = await domain.browser.open(page.link("Sign in with LocalIdP"))
    invalid = await domain.browser.submit(provider, email="no address")

    left = await domain.browser.submit(provider, 1)

    assert invalid.alert == "Enter an e-mail address."
    assert left.url.startswith(CALLBACK)
    assert left.query["error"] == "access_denied"


@pytest.mark.parametrize("is_confidential", [False, True])
async def test_second_factor_is_entered_on_a_second_page(
    domain: Domain, *, is_confidential: bool
) -> None:
    """A user with an authenticator app needs its code, and the wrong one is refused."""
    username = await domain.member()
    await domain.cognito.set_user_pool_mfa_config(
        UserPoolId=domain.pool_id,
        MfaConfiguration="OPTIONAL",
        SoftwareTokenMfaConfiguration={"Enabled": True},
    )
    proof = Proof()
    basic = domain.confidential if is_confidential else None
    client_id = basic[0] if basic else domain.client_id
    page = await domain.browser.open(domain.authorize_url(proof, client_id=client_id))
    arrived = await _log_in(domain, page, username)
    _, content = await domain.exchange(arrived.query["code"], proof, basic)
    access = content["access_token"]
    secret = (await domain.cognito.associate_software_token(AccessToken=access))["SecretCode"]
    code = totp.code_at(secret, int(domain.clock.seconds) // totp.STEP_S)
    await domain.cognito.verify_software_token(AccessToken=access, UserCode=code)
    await domain.cognito.set_user_mfa_preference(
        AccessToken=access, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True}
    )
    domain.clock.advance(4 * totp.STEP_S)
    code = totp.code_at(secret, int(domain.clock.seconds) // totp.STEP_S)

    asked = await _log_in(domain, page, username)
    wrong = await domain.browser.submit(asked, code=f"{(int(code) + 1) % 1_000_000:06}")
    arrived = await domain.browser.submit(asked, code=code)

    assert "one-time-code" in asked.text
    assert wrong.alert is not None
    assert (await domain.exchange(arrived.query["code"], proof, basic))[0] == 200


async def test_browser_stays_signed_in_until_it_signs_out(domain: Domain) -> None:
    """A second authorization needs no page, for an hour, until the logout endpoint is visited."""
    await domain.code(Proof())

    again = await domain.browser.open(domain.authorize_url(Proof()))
    logout = (
        f"{domain.url}/logout?{urlencode({'client_id': domain.client_id, 'logout_uri': CALLBACK})}"
    )
    left = await domain.browser.open(logout)
    after = await domain.browser.open(domain.authorize_url(Proof()))
    await domain.code(Proof())
    domain.clock.advance(3_600)
    late = await domain.browser.open(domain.authorize_url(Proof()))

    assert "code" in again.query
    assert left.url == CALLBACK
    assert "password" in after.text
    assert "password" in late.text


async def test_logout_leads_to_sign_out_urls_only(domain: Domain) -> None:
    """Another logout_uri is an error page; without one, a sign-in begins."""
    foreign = {"client_id": domain.client_id, "logout_uri": OTHER_CALLBACK}
    refused = await domain.browser.open(f"{domain.url}/logout?{urlencode(foreign)}")
    again = domain.authorize_url(Proof()).replace("/oauth2/authorize", "/logout")

    assert (refused.status, "Location" in refused.text) == (400, False)
    assert "password" in (await domain.browser.open(again)).text


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "unknown"},
        {"client_id": None},
        {"redirect_uri": "https://evil.example/in"},
        {"redirect_uri": f"{CALLBACK}/"},
        {"redirect_uri": None},
    ],
)
async def test_foreign_redirect_uri_or_client_is_an_error_page(
    domain: Domain, changes: dict[str, str | None]
) -> None:
    """Such a request is never redirected."""
    page = await domain.browser.open(domain.authorize_url(Proof(), **changes))

    assert page.status == 400
    assert page.alert


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "invalid_request"),
        ({"scope": "openid api/write"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"identity_provider": "Google"}, "invalid_request"),
    ],
)
async def test_other_errors_return_to_the_redirect_uri(
    domain: Domain, changes: dict[str, str | None], error: str
) -> None:
    """The page of the application learns the error, with its state."""
    proof = Proof()

    arrived = await domain.browser.open(domain.authorize_url(proof, **changes))

    assert arrived.url.startswith(f"{CALLBACK}?")
    assert (arrived.query["error"], arrived.query["state"]) == (error, proof.state)


async def test_code_is_valid_once_and_for_its_sign_in_only(domain: Domain) -> None:
    """A used, late or foreign code, and another verifier or redirect URI, are invalid_grant."""
    invalid = (400, {"error": "invalid_grant"})
    proof = Proof()
    code = await domain.code(proof)
    assert await domain.exchange(code, proof, client_id=domain.other_client_id) == invalid
    assert (await domain.exchange(code, proof))[0] == 200
    assert await domain.exchange(code, proof) == invalid
    for changes in ({"code_verifier": Proof().verifier}, {"redirect_uri": OTHER_CALLBACK}):
        code = await domain.code(proof)
        assert await domain.exchange(code, proof, None, **changes) == invalid
        assert await domain.exchange(code, proof) == invalid
    code = await domain.code(proof, code_challenge=None, code_challenge_method=None)
    assert await domain.exchange(code, proof) == invalid
    code = await domain.code(proof)
    domain.clock.advance(300)
    assert await domain.exchange(code, proof) == invalid


async def test_confidential_client_must_authenticate(domain: Domain) -> None:
    """Its secret is taken by HTTP Basic or in the form; a public client has none."""
    client_id, secret = domain.confidential
    proof = Proof()

    async def outcome(basic: tuple[str, str] | None, **changes: str) -> str:
        code = await domain.code(proof, client_id=client_id)
        status, content = await domain.exchange(code, proof, basic, **changes)
        return str(content.get("error", status))

    assert await outcome((client_id, secret)) == "200"
    assert await outcome(None, client_id=client_id, client_secret=secret) == "200"
    assert await outcome((client_id, "wrong")) == "invalid_client"
    assert await outcome(None, client_id=client_id) == "invalid_client"
    assert await outcome((client_id, secret), client_id=domain.client_id) == "invalid_client"
    assert await outcome((domain.client_id, "wrong")) == "invalid_client"
    assert await outcome(None, client_id="unknown") == "invalid_client"


async def test_refresh_token_of_the_domain_is_one_of_the_pool(domain: Domain) -> None:
    """It is exchanged at the token endpoint, for the client that it was issued to."""
    proof = Proof()
    _, content = await domain.exchange(await domain.code(proof), proof)
    form = {"grant_type": "refresh_token", "refresh_token": content["refresh_token"]}

    status, refreshed = await domain.token(None, client_id=domain.client_id, **form)
    foreign = await domain.token(None, client_id=domain.other_client_id, **form)
    by_api = await domain.cognito.get_tokens_from_refresh_token(
        ClientId=domain.client_id, RefreshToken=content["refresh_token"]
    )

    assert (status, "refresh_token" in refreshed) == (200, False)
    assert _claims(refreshed["access_token"])["scope"] == " ".join(SCOPES)
    assert foreign == (400, {"error": "invalid_grant"})
    assert by_api["AuthenticationResult"]["AccessToken"]


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "client_credentials"}, "unauthorized_client"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({}, "unsupported_grant_type"),
    ],
)
async def test_other_grants_are_refused(domain: Domain, form: dict[str, str], error: str) -> None:
    """The token endpoint has three grants, each for clients that allow it, with their parameters."""
    assert await domain.token(None, client_id=domain.client_id, **form) == (400, {"error": error})


async def test_scopes_bound_the_tokens(domain: Domain) -> None:
    """Without openid there is no id token, and without the admin scope no call of the API."""
    proof = Proof()
    _, admin = await domain.exchange(await domain.code(proof, scope=SCOPES[-1]), proof)
    _, email = await domain.exchange(await domain.code(proof, scope="openid email"), proof)

    assert "id_token" not in admin
    call = domain.cognito.get_user(AccessToken=email["access_token"])
    assert await refusal(call) == (
        "NotAuthorizedException",
        "Access Token does not have required scopes",
    )
    for token, status in ((email["access_token"], 200), (admin["access_token"], 401), ("x", 401)):
        headers = {"Authorization": f"Bearer {token}"}
        async with domain.browser.session.get(
            f"{domain.url}/oauth2/userInfo", headers=headers
        ) as answer:
            assert answer.status == status
            shown = await answer.json()
        if status == 200:
            assert shown["sub"] == _claims(token)["sub"]
            assert shown["email"] == CAROL
            assert json.loads(shown["identities"])[0]["providerName"] == "LocalIdP"


async def test_configuration_names_the_endpoints(domain: Domain, aws: LocalAws) -> None:
    """The OpenID configuration of a pool has its issuer, keys and, with a domain, endpoints."""
    path = ".well-known/openid-configuration"
    async with domain.browser.session.get(f"{domain.url}/{domain.pool_id}/{path}") as answer:
        content = await answer.json()
    pool = await domain.cognito.create_user_pool(PoolName="no domain")
    async with domain.browser.session.get(
        f"{domain.url}/{pool['UserPool']['Id']}/{path}"
    ) as answer:
        without = await answer.json()
    async with domain.browser.session.get(f"{domain.url}/eu-central-1_None/{path}") as answer:
        assert answer.status == 404

    proof = Proof()
    _, tokens = await domain.exchange(await domain.code(proof), proof)
    assert content["issuer"] == _claims(tokens["id_token"])["iss"]
    assert content["authorization_endpoint"] == f"{aws.endpoint_url}/oauth2/authorize"
    assert content["token_endpoint"] == f"{aws.endpoint_url}/oauth2/token"
    assert "token_endpoint" not in without
    async with domain.browser.session.get(content["jwks_uri"]) as answer:
        assert (await answer.json())["keys"]


async def test_client_without_domain_flow_or_provider_has_no_page(domain: Domain) -> None:
    """What the pool and the client do not offer is refused."""
    cognito = domain.cognito
    pool_id = (await cognito.create_user_pool(PoolName="bare"))["UserPool"]["Id"]
    bare = await cognito.create_user_pool_client(UserPoolId=pool_id, ClientName="a", **OAUTH)
    plain = await cognito.create_user_pool_client(
        UserPoolId=domain.pool_id, ClientName="b", CallbackURLs=[CALLBACK]
    )
    unsupported = await cognito.create_user_pool_client(
        UserPoolId=domain.pool_id, ClientName="c", **{**OAUTH, "SupportedIdentityProviders": []}
    )
    external = await cognito.create_user_pool_client(
        UserPoolId=domain.pool_id,
        ClientName="d",
        **{**OAUTH, "SupportedIdentityProviders": ["LocalIdP"]},
    )

    async def visit(client: Any) -> Page:  # noqa: ANN401 -- botocore's
        client_id = client["UserPoolClient"]["ClientId"]
        return await domain.browser.open(domain.authorize_url(Proof(), client_id=client_id))

    assert "no domain" in str((await visit(bare)).alert)
    assert (await visit(plain)).query["error"] == "unauthorized_client"
    assert "SupportedIdentityProviders" in str((await visit(unsupported)).alert)
    assert "password" not in (await visit(external)).text
    client_id = plain["UserPoolClient"]["ClientId"]
    form = {"grant_type": "authorization_code", "client_id": client_id}
    assert await domain.token(None, **form) == (400, {"error": "unauthorized_client"})


async def test_pages_escape_what_is_sent(domain: Domain) -> None:
    """Text from the URL or the form is never markup of a page."""
    markup = "<script>alert(1)</script>"
    page = await domain.browser.open(domain.authorize_url(Proof(), state=f'"{markup}'))
    refused = await _log_in(domain, page, markup)
    foreign = await domain.browser.open(domain.authorize_url(Proof(), client_id=markup))

    assert [markup in each.text for each in (page, refused, foreign)] == [False] * 3


async def test_disabled_user_and_wrong_requests_are_refused(domain: Domain) -> None:
    """A disabled external user gets no code; other methods and repeated parameters are refused."""
    proof = Proof()
    _, content = await domain.exchange(await domain.code(proof), proof)
    username = _claims(content["id_token"])["cognito:username"]
    await domain.cognito.admin_disable_user(UserPoolId=domain.pool_id, Username=username)
    url = domain.authorize_url(proof, identity_provider="LocalIdP")

    left = await domain.browser.submit(await domain.browser.open(url), email=CAROL)
    await domain.cognito.admin_enable_user(UserPoolId=domain.pool_id, Username=username)
    own = await domain.browser.open(f"{domain.url}/local-idp?{url.partition('?')[2]}")
    none = await domain.browser.open(
        domain.authorize_url(proof).replace("/oauth2/authorize", "/local-idp")
    )
    twice = await domain.browser.open(f"{url}&state=x")
    async with domain.browser.session.get(f"{domain.url}/oauth2/token") as answer:
        allowed = (answer.status, answer.headers["Allow"])

    assert left.query["error"] == "access_denied"
    assert (own.status, none.status, twice.status) == (200, 400, 400)
    assert allowed == (405, "POST")


async def test_user_who_must_set_a_password_is_refused_on_the_page(domain: Domain) -> None:
    """The local page has no form for a challenge other than a code, and says so."""
    username = f"invited-{Proof().state[:12]}"
    await domain.cognito.admin_create_user(
        UserPoolId=domain.pool_id, Username=username, TemporaryPassword=PASSWORD
    )
    page = await domain.browser.open(domain.authorize_url(Proof()))

    refused = await _log_in(domain, page, username)

    assert "NEW_PASSWORD_REQUIRED" in str(refused.alert)


async def test_client_of_a_provider_alone_takes_no_password(domain: Domain) -> None:
    """A password that is posted without a form is refused; attributes without a mapping are absent."""
    await domain.cognito.create_identity_provider(
        UserPoolId=domain.pool_id,
        ProviderName="Unmapped",
        ProviderType="OIDC",
        ProviderDetails={},
        AttributeMapping={"name": "name"},
    )
    made = await domain.cognito.create_user_pool_client(
        UserPoolId=domain.pool_id,
        ClientName="provider",
        **{**OAUTH, "SupportedIdentityProviders": ["Unmapped"]},
    )
    client_id, proof = made["UserPoolClient"]["ClientId"], Proof()
    query = domain.authorize_url(proof, client_id=client_id).partition("?")[2]

    async with domain.browser.session.post(
        f"{domain.url}/login?{query}", data={"username": "a", "password": PASSWORD}
    ) as answer:
        status, text = answer.status, await answer.text()
    code = await domain.code(proof, client_id=client_id, identity_provider="Unmapped")
    _, content = await domain.exchange(code, proof, client_id=client_id)

    assert (status, "does not support users of the pool itself" in text) == (400, True)
    identity = _claims(content["id_token"])
    assert (identity["name"], "email" in identity) == ("carol", False)


async def test_malformed_token_request_is_refused(domain: Domain) -> None:
    """A repeated parameter is an invalid request, and malformed HTTP Basic an invalid client."""
    url, client_id = f"{domain.url}/oauth2/token", domain.confidential[0]
    form = [("grant_type", "authorization_code"), ("client_id", client_id)]

    async with domain.browser.session.post(url, data=[*form, ("client_id", "b")]) as answer:
        twice = (answer.status, await answer.json())
    async with domain.browser.session.post(
        url, data=form, headers={"Authorization": "Basic %"}
    ) as answer:
        malformed = (answer.status, await answer.json())

    assert twice == (400, {"error": "invalid_request"})
    assert malformed == (400, {"error": "invalid_client"})
