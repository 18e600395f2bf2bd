"""A passkey is registered if it was created for this pool, by this user, now."""

import base64
import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.local_aws.conftest import EMAIL
from tests.local_aws.passkey_support import complete, options, registered
from tests.local_aws.support import PASSWORD, Harness, refusal, refusal_type
from tests.support.webauthn_authenticator import Authenticator, encoded

Change = Callable[[dict[str, Any]], None]
PASSKEYS: Any = {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"]}}


async def _caller(harness: Harness, app: str = "choice") -> str:
    return (await harness.tokens(await harness.member(app), app))["AccessToken"]


async def _own_pool(harness: Harness, **settings: Any) -> tuple[str, str]:  # noqa: ANN401 -- botocore's
    """Create a pool with passkeys; give its id and the access token of a user there."""
    pool = await harness.cognito.create_user_pool(
        PoolName="passkeys", **EMAIL, **{"Policies": PASSKEYS, **settings}
    )
    pool_id = pool["UserPool"]["Id"]
    made = await harness.cognito.create_user_pool_client(
        UserPoolId=pool_id, ClientName="c", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )
    client_id = made["UserPoolClient"]["ClientId"]
    await harness.cognito.sign_up(ClientId=client_id, Username="alice", Password=PASSWORD)
    await harness.cognito.admin_confirm_sign_up(UserPoolId=pool_id, Username="alice")
    answer = await harness.cognito.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "alice", "PASSWORD": PASSWORD},
    )
    return pool_id, answer["AuthenticationResult"]["AccessToken"]


async def test_options_are_what_browsers_take(harness: Harness) -> None:
    """The options contain relying party, user, algorithm, and the registered passkeys."""
    authenticator = Authenticator()
    username, access = await registered(harness, authenticator)
    wanted = await options(harness, access)
    challenge, sub = wanted.pop("challenge"), (await harness.attributes(access))["sub"]
    assert len(base64.urlsafe_b64decode(challenge + "=")) == 32
    assert wanted == {
        "authenticatorSelection": {
            "requireResidentKey": True,
            "residentKey": "required",
            "userVerification": "preferred",
        },
        "excludeCredentials": [{"type": "public-key", "id": next(iter(authenticator.credentials))}],
        "pubKeyCredParams": [{"alg": -7, "type": "public-key"}],
        "rp": {"id": "localhost", "name": "localhost"},
        "timeout": 60_000,
        "user": {"displayName": username, "id": encoded(sub.encode()), "name": username},
    }


async def test_passkeys_are_listed(harness: Harness) -> None:
    """A listed passkey has no key."""
    authenticator = Authenticator()
    _, access = await registered(harness, authenticator)
    answer = await harness.cognito.list_web_authn_credentials(AccessToken=access)
    assert [dict(one) for one in answer["Credentials"]] == [
        {
            "CredentialId": next(iter(authenticator.credentials)),
            "FriendlyCredentialName": "Passkey",
            "RelyingPartyId": "localhost",
            "AuthenticatorAttachment": "platform",
            "AuthenticatorTransports": ["internal", "hybrid"],
            "CreatedAt": dt.datetime.fromtimestamp(harness.clock.seconds, dt.UTC),
        }
    ]


async def test_passkeys_are_listed_by_pages(harness: Harness) -> None:
    """Pages have MaxResults passkeys, the oldest first, and a token of the next page."""
    authenticator = Authenticator()
    _, access = await registered(harness, authenticator)
    for _ in range(2):
        await complete(harness, access, authenticator.register(await options(harness, access)))
    more: dict[str, Any] = {}
    pages = []
    while True:
        page = await harness.cognito.list_web_authn_credentials(
            AccessToken=access, MaxResults=2, **more
        )
        pages.append([one["CredentialId"] for one in page["Credentials"]])
        if "NextToken" not in page:
            break
        more = {"NextToken": page["NextToken"]}
    made = list(authenticator.credentials)
    assert pages == [made[:2], made[2:]]
    every = await harness.cognito.list_web_authn_credentials(AccessToken=access, MaxResults=0)
    assert len(every["Credentials"]) == 3
    bad = harness.cognito.list_web_authn_credentials(AccessToken=access, NextToken="x")
    assert await refusal_type(bad) == "InvalidParameterException"


async def test_passkey_is_deleted_once(harness: Harness) -> None:
    """A deleted passkey is gone; a missing one, or another user's, cannot be deleted."""
    authenticator = Authenticator()
    _, access = await registered(harness, authenticator)
    (name,) = authenticator.credentials
    foreign = harness.cognito.delete_web_authn_credential(
        AccessToken=await _caller(harness), CredentialId=name
    )
    assert await refusal_type(foreign) == "ResourceNotFoundException"
    await harness.cognito.delete_web_authn_credential(AccessToken=access, CredentialId=name)
    again = harness.cognito.delete_web_authn_credential(AccessToken=access, CredentialId=name)
    assert await refusal_type(again) == "ResourceNotFoundException"
    left = await harness.cognito.list_web_authn_credentials(AccessToken=access)
    assert left["Credentials"] == []


async def test_pool_without_passkeys_registers_none(harness: Harness) -> None:
    """The pool's sign-in policy decides."""
    access = await _caller(harness, "public")
    for call in (
        harness.cognito.start_web_authn_registration(AccessToken=access),
        harness.cognito.complete_web_authn_registration(AccessToken=access, Credential={}),
    ):
        assert await refusal_type(call) == "WebAuthnNotEnabledException"


async def test_relying_party_is_needed(harness: Harness) -> None:
    """Without a relying party there is nothing to register for; a domain of the pool is one."""
    pool_id, access = await _own_pool(harness)
    assert await refusal_type(options(harness, access)) == "WebAuthnConfigurationMissingException"
    early = complete(harness, access, {})
    assert await refusal_type(early) == "WebAuthnChallengeNotFoundException"
    await harness.cognito.create_user_pool_domain(UserPoolId=pool_id, Domain="ours")
    wanted = await options(harness, access)
    assert wanted["rp"]["id"] == "ours.auth.eu-central-1.amazoncognito.com"


async def test_challenge_is_used_once(harness: Harness) -> None:
    """A passkey is made for a registration that has begun, a short while ago, and not before."""
    authenticator, access = Authenticator(), await _caller(harness)
    first = authenticator.register(await options(harness, access))
    second = authenticator.register(await options(harness, access))
    gone = "WebAuthnChallengeNotFoundException"
    assert await refusal_type(complete(harness, access, first)) == gone
    await complete(harness, access, second)
    assert await refusal_type(complete(harness, access, second)) == gone
    late = authenticator.register(await options(harness, access))
    harness.clock.advance(180)
    assert await refusal_type(complete(harness, access, late)) == gone


async def test_registration_belongs_to_one_client(harness: Harness) -> None:
    """Another client cannot complete what one began."""
    username = await harness.member("choice")
    access = (await harness.tokens(username, "choice"))["AccessToken"]
    other = (await harness.tokens(username, "choice_hiding"))["AccessToken"]
    credential = Authenticator().register(await options(harness, access))
    completed = complete(harness, other, credential)
    assert await refusal_type(completed) == "WebAuthnClientMismatchException"
    await complete(harness, access, credential)


@pytest.mark.parametrize(
    "origin",
    ["https://localhost", "http://localhost:3000", "https://login.localhost:8443"],
)
async def test_pages_of_the_relying_party_are_allowed(harness: Harness, origin: str) -> None:
    """The port does not count, and a subdomain is the relying party's too."""
    await registered(harness, Authenticator(origin))


@pytest.mark.parametrize(
    "origin",
    [
        "https://example.com",
        "https://notlocalhost",
        "http://login.localhost",
        "ftp://localhost",
        "localhost",
        "https://[",
        "",
    ],
)
async def test_other_pages_are_refused(harness: Harness, origin: str) -> None:
    """An origin of another host, or without TLS, is not allowed."""
    refused = registered(harness, Authenticator(origin))
    assert await refusal_type(refused) == "WebAuthnOriginNotAllowedException"


async def test_passkey_of_another_relying_party_is_refused(harness: Harness) -> None:
    """The authenticator's relying party must be the pool's."""
    access = await _caller(harness)
    wanted = await options(harness, access)
    wanted["rp"]["id"] = "example.com"
    completed = complete(harness, access, Authenticator().register(wanted))
    assert await refusal_type(completed) == "WebAuthnRelyingPartyMismatchException"


async def test_passkey_is_registered_once(harness: Harness) -> None:
    """A credential cannot be registered twice."""
    _, access = await registered(harness, authenticator := Authenticator())
    (name,) = authenticator.credentials
    wanted = await options(harness, access)
    again = Authenticator(credentials=authenticator.credentials)
    credential = again.register(wanted)
    made = base64.urlsafe_b64decode(credential["response"]["authenticatorData"] + "==")
    authentic = base64.urlsafe_b64decode(name + "=")
    new = base64.urlsafe_b64decode(credential["id"] + "=")
    attestation = base64.urlsafe_b64decode(credential["response"]["attestationObject"] + "==")
    credential["rawId"] = credential["id"] = name
    credential["response"]["authenticatorData"] = encoded(made.replace(new, authentic))
    credential["response"]["attestationObject"] = encoded(attestation.replace(new, authentic))
    assert await refusal_type(complete(harness, access, credential)) == "InvalidParameterException"


async def test_verification_of_the_user_can_be_required(harness: Harness) -> None:
    """A pool can require that the authenticator verifies the user."""
    pool_id, access = await _own_pool(harness)
    await harness.cognito.set_user_pool_mfa_config(
        UserPoolId=pool_id,
        WebAuthnConfiguration={"RelyingPartyId": "localhost", "UserVerification": "required"},
    )
    wanted = await options(harness, access)
    assert wanted["authenticatorSelection"]["userVerification"] == "required"
    careless = Authenticator(verifies_user=False).register(wanted)
    refused = complete(harness, access, careless)
    assert await refusal_type(refused) == "WebAuthnCredentialNotSupportedException"
    await complete(harness, access, Authenticator().register(wanted))


async def test_user_has_twenty_passkeys_at_most(harness: Harness) -> None:
    """A registration with twenty passkeys is refused."""
    authenticator = Authenticator()
    _, access = await registered(harness, authenticator)
    for _ in range(19):
        await complete(harness, access, authenticator.register(await options(harness, access)))
    assert await refusal_type(options(harness, access)) == "LimitExceededException"


def _set(name: str, value: object) -> Change:
    def change(credential: dict[str, Any]) -> None:
        credential["response"][name] = value

    return change


def _without_response(credential: dict[str, Any]) -> None:
    credential["response"] = "x"


def _of_another_type(credential: dict[str, Any]) -> None:
    credential["type"] = "password"


def _of_another_id(credential: dict[str, Any]) -> None:
    credential["rawId"] = encoded(b"another")


def _for_sign_in(credential: dict[str, Any]) -> None:
    said = base64.urlsafe_b64decode(credential["response"]["clientDataJSON"] + "==")
    said = said.replace(b"webauthn.create", b"webauthn.get")
    credential["response"]["clientDataJSON"] = encoded(said)


def _without_credential(credential: dict[str, Any]) -> None:
    data = bytearray(base64.urlsafe_b64decode(credential["response"]["authenticatorData"] + "=="))
    data[32] &= ~0x40
    credential["response"]["authenticatorData"] = encoded(bytes(data))


def _key(kind: Any) -> str:  # noqa: ANN401 -- any private key
    return encoded(kind.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (_without_response, "InvalidParameterException"),
        (_of_another_type, "InvalidParameterException"),
        (_of_another_id, "InvalidParameterException"),
        (_for_sign_in, "InvalidParameterException"),
        (_without_credential, "InvalidParameterException"),
        (_set("clientDataJSON", encoded(b"no JSON")), "InvalidParameterException"),
        (_set("clientDataJSON", encoded(b"[]")), "InvalidParameterException"),
        (_set("clientDataJSON", None), "InvalidParameterException"),
        (_set("clientDataJSON", "A"), "InvalidParameterException"),
        (_set("clientDataJSON", "é"), "InvalidParameterException"),
        (_set("authenticatorData", encoded(b"short")), "InvalidParameterException"),
        (_set("attestationObject", encoded(b"of another")), "InvalidParameterException"),
        (_set("publicKey", encoded(b"no key")), "InvalidParameterException"),
        (
            _set("publicKey", _key(ec.generate_private_key(ec.SECP256R1()))),
            "InvalidParameterException",
        ),
        (
            _set("publicKey", _key(ec.generate_private_key(ec.SECP384R1()))),
            "WebAuthnCredentialNotSupportedException",
        ),
        (
            _set("publicKey", _key(ed25519.Ed25519PrivateKey.generate())),
            "WebAuthnCredentialNotSupportedException",
        ),
        (_set("publicKeyAlgorithm", -257), "WebAuthnCredentialNotSupportedException"),
    ],
)
async def test_credential_that_does_not_hold_is_refused(
    harness: Harness, change: Change, error: str
) -> None:
    """A credential whose parts contradict each other, or that is not for ES256, is refused."""
    access = await _caller(harness)
    credential = Authenticator().register(await options(harness, access))
    authentic = json.loads(json.dumps(credential))
    change(credential)
    assert (await refusal(complete(harness, access, credential)))[0] == error
    await complete(harness, access, authentic)


@pytest.mark.parametrize("transports", ["usb", None], ids=["text", "absent"])
async def test_browser_need_not_tell_more(harness: Harness, transports: str | None) -> None:
    """Attachment and transports are optional."""
    access = await _caller(harness)
    credential = Authenticator().register(await options(harness, access))
    del credential["authenticatorAttachment"], credential["response"]["transports"]
    if transports is not None:
        credential["response"]["transports"] = transports
    await complete(harness, access, credential)
    (listed,) = (await harness.cognito.list_web_authn_credentials(AccessToken=access))[
        "Credentials"
    ]
    assert listed["AuthenticatorTransports"] == []
    assert "AuthenticatorAttachment" not in listed
