"""A passkey is kept when it was made for this pool, by this user, now."""

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
from tests.local_aws.support import PASSWORD, Stage, refusal, refusal_type
from tests.support.webauthn_authenticator import Authenticator, encoded

Change = Callable[[dict[str, Any]], None]
PASSKEYS: Any = {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"]}}


async def _caller(stage: Stage, app: str = "choice") -> str:
    return (await stage.tokens(await stage.member(app), app))["AccessToken"]


async def _own_pool(stage: Stage, **settings: Any) -> tuple[str, str]:  # noqa: ANN401 -- botocore's
    """Create a pool with passkeys; give its id and the access token of a user there."""
    pool = await stage.cognito.create_user_pool(
        PoolName="passkeys", **EMAIL, **{"Policies": PASSKEYS, **settings}
    )
    pool_id = pool["UserPool"]["Id"]
    made = await stage.cognito.create_user_pool_client(
        UserPoolId=pool_id, ClientName="c", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )
    client_id = made["UserPoolClient"]["ClientId"]
    await stage.cognito.sign_up(ClientId=client_id, Username="alice", Password=PASSWORD)
    await stage.cognito.admin_confirm_sign_up(UserPoolId=pool_id, Username="alice")
    answer = await stage.cognito.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "alice", "PASSWORD": PASSWORD},
    )
    return pool_id, answer["AuthenticationResult"]["AccessToken"]


async def test_options_are_what_browsers_take(stage: Stage) -> None:
    """The options name relying party, user and algorithm, and the passkeys that are there."""
    authenticator = Authenticator()
    username, access = await registered(stage, authenticator)
    wanted = await options(stage, access)
    challenge, sub = wanted.pop("challenge"), (await stage.attributes(access))["sub"]
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


async def test_passkeys_are_listed(stage: Stage) -> None:
    """A passkey is described without its key."""
    authenticator = Authenticator()
    _, access = await registered(stage, authenticator)
    answer = await stage.cognito.list_web_authn_credentials(AccessToken=access)
    assert [dict(one) for one in answer["Credentials"]] == [
        {
            "CredentialId": next(iter(authenticator.credentials)),
            "FriendlyCredentialName": "Passkey",
            "RelyingPartyId": "localhost",
            "AuthenticatorAttachment": "platform",
            "AuthenticatorTransports": ["internal", "hybrid"],
            "CreatedAt": dt.datetime.fromtimestamp(stage.clock.seconds, dt.UTC),
        }
    ]


async def test_passkeys_are_listed_by_pages(stage: Stage) -> None:
    """A page has as many as asked for, the oldest first, and says where the next one begins."""
    authenticator = Authenticator()
    _, access = await registered(stage, authenticator)
    for _ in range(2):
        await complete(stage, access, authenticator.register(await options(stage, access)))
    more: dict[str, Any] = {}
    pages = []
    while True:
        page = await stage.cognito.list_web_authn_credentials(
            AccessToken=access, MaxResults=2, **more
        )
        pages.append([one["CredentialId"] for one in page["Credentials"]])
        if "NextToken" not in page:
            break
        more = {"NextToken": page["NextToken"]}
    made = list(authenticator.credentials)
    assert pages == [made[:2], made[2:]]
    every = await stage.cognito.list_web_authn_credentials(AccessToken=access, MaxResults=0)
    assert len(every["Credentials"]) == 3
    bad = stage.cognito.list_web_authn_credentials(AccessToken=access, NextToken="x")
    assert await refusal_type(bad) == "InvalidParameterException"


async def test_passkey_is_deleted_once(stage: Stage) -> None:
    """What is deleted is gone, and what is not there cannot be deleted, nor another user's."""
    authenticator = Authenticator()
    _, access = await registered(stage, authenticator)
    (name,) = authenticator.credentials
    foreign = stage.cognito.delete_web_authn_credential(
        AccessToken=await _caller(stage), CredentialId=name
    )
    assert await refusal_type(foreign) == "ResourceNotFoundException"
    await stage.cognito.delete_web_authn_credential(AccessToken=access, CredentialId=name)
    again = stage.cognito.delete_web_authn_credential(AccessToken=access, CredentialId=name)
    assert await refusal_type(again) == "ResourceNotFoundException"
    left = await stage.cognito.list_web_authn_credentials(AccessToken=access)
    assert left["Credentials"] == []


async def test_pool_without_passkeys_registers_none(stage: Stage) -> None:
    """The pool's sign-in policy decides."""
    access = await _caller(stage, "public")
    for call in (
        stage.cognito.start_web_authn_registration(AccessToken=access),
        stage.cognito.complete_web_authn_registration(AccessToken=access, Credential={}),
    ):
        assert await refusal_type(call) == "WebAuthnNotEnabledException"


async def test_relying_party_is_needed(stage: Stage) -> None:
    """Without a relying party there is nothing to register for; a domain of the pool is one."""
    pool_id, access = await _own_pool(stage)
    assert await refusal_type(options(stage, access)) == "WebAuthnConfigurationMissingException"
    early = complete(stage, access, {})
    assert await refusal_type(early) == "WebAuthnChallengeNotFoundException"
    await stage.cognito.create_user_pool_domain(UserPoolId=pool_id, Domain="ours")
    wanted = await options(stage, access)
    assert wanted["rp"]["id"] == "ours.auth.eu-central-1.amazoncognito.com"


async def test_challenge_is_used_once(stage: Stage) -> None:
    """A passkey is made for a registration that has begun, a short while ago, and not before."""
    authenticator, access = Authenticator(), await _caller(stage)
    first = authenticator.register(await options(stage, access))
    second = authenticator.register(await options(stage, access))
    gone = "WebAuthnChallengeNotFoundException"
    assert await refusal_type(complete(stage, access, first)) == gone
    await complete(stage, access, second)
    assert await refusal_type(complete(stage, access, second)) == gone
    late = authenticator.register(await options(stage, access))
    stage.clock.advance(180)
    assert await refusal_type(complete(stage, access, late)) == gone


async def test_registration_belongs_to_one_client(stage: Stage) -> None:
    """Another client cannot complete what one began."""
    username = await stage.member("choice")
    access = (await stage.tokens(username, "choice"))["AccessToken"]
    other = (await stage.tokens(username, "choice_hiding"))["AccessToken"]
    credential = Authenticator().register(await options(stage, access))
    completed = complete(stage, other, credential)
    assert await refusal_type(completed) == "WebAuthnClientMismatchException"
    await complete(stage, access, credential)


@pytest.mark.parametrize(
    "origin",
    ["https://localhost", "http://localhost:3000", "https://login.localhost:8443"],
)
async def test_pages_of_the_relying_party_are_allowed(stage: Stage, origin: str) -> None:
    """The port does not count, and a subdomain is the relying party's too."""
    await registered(stage, Authenticator(origin))


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
async def test_other_pages_are_refused(stage: Stage, origin: str) -> None:
    """A page of somebody else, or one that anybody on the way could change, is not allowed."""
    refused = registered(stage, Authenticator(origin))
    assert await refusal_type(refused) == "WebAuthnOriginNotAllowedException"


async def test_passkey_of_another_relying_party_is_refused(stage: Stage) -> None:
    """The authenticator signs for whom it made the passkey."""
    access = await _caller(stage)
    wanted = await options(stage, access)
    wanted["rp"]["id"] = "example.com"
    completed = complete(stage, access, Authenticator().register(wanted))
    assert await refusal_type(completed) == "WebAuthnRelyingPartyMismatchException"


async def test_passkey_is_registered_once(stage: Stage) -> None:
    """One credential is not two users'."""
    _, access = await registered(stage, authenticator := Authenticator())
    (name,) = authenticator.credentials
    wanted = await options(stage, access)
    again = Authenticator(credentials=authenticator.credentials)
    credential = again.register(wanted)
    made = base64.urlsafe_b64decode(credential["response"]["authenticatorData"] + "==")
    authentic = base64.urlsafe_b64decode(name + "=")
    new = base64.urlsafe_b64decode(credential["id"] + "=")
    attestation = base64.urlsafe_b64decode(credential["response"]["attestationObject"] + "==")
    credential["rawId"] = credential["id"] = name
    credential["response"]["authenticatorData"] = encoded(made.replace(new, authentic))
    credential["response"]["attestationObject"] = encoded(attestation.replace(new, authentic))
    assert await refusal_type(complete(stage, access, credential)) == "InvalidParameterException"


async def test_verification_of_the_user_can_be_required(stage: Stage) -> None:
    """A pool may insist that the authenticator checks who uses it."""
    pool_id, access = await _own_pool(stage)
    await stage.cognito.set_user_pool_mfa_config(
        UserPoolId=pool_id,
        WebAuthnConfiguration={"RelyingPartyId": "localhost", "UserVerification": "required"},
    )
    wanted = await options(stage, access)
    assert wanted["authenticatorSelection"]["userVerification"] == "required"
    careless = Authenticator(verifies_user=False).register(wanted)
    refused = complete(stage, access, careless)
    assert await refusal_type(refused) == "WebAuthnCredentialNotSupportedException"
    await complete(stage, access, Authenticator().register(wanted))


async def test_user_has_twenty_passkeys_at_most(stage: Stage) -> None:
    """The twenty-first is not begun."""
    authenticator = Authenticator()
    _, access = await registered(stage, authenticator)
    for _ in range(19):
        await complete(stage, access, authenticator.register(await options(stage, access)))
    assert await refusal_type(options(stage, access)) == "LimitExceededException"


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
    stage: Stage, change: Change, error: str
) -> None:
    """What the authenticator attests and what the browser says must be one, and for ES256."""
    access = await _caller(stage)
    credential = Authenticator().register(await options(stage, access))
    authentic = json.loads(json.dumps(credential))
    change(credential)
    assert (await refusal(complete(stage, access, credential)))[0] == error
    await complete(stage, access, authentic)


@pytest.mark.parametrize("transports", ["usb", None], ids=["text", "absent"])
async def test_browser_need_not_tell_more(stage: Stage, transports: str | None) -> None:
    """How the authenticator is attached may be left out."""
    access = await _caller(stage)
    credential = Authenticator().register(await options(stage, access))
    del credential["authenticatorAttachment"], credential["response"]["transports"]
    if transports is not None:
        credential["response"]["transports"] = transports
    await complete(stage, access, credential)
    (listed,) = (await stage.cognito.list_web_authn_credentials(AccessToken=access))["Credentials"]
    assert listed["AuthenticatorTransports"] == []
    assert "AuthenticatorAttachment" not in listed
