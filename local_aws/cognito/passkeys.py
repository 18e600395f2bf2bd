"""Registration, listing and deletion of passkeys."""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from local_aws.cognito import relying_parties, web_authn
from local_aws.cognito.directory import find_app
from local_aws.cognito.errors import (
    InvalidParameterException,
    LimitExceededException,
    ResourceNotFoundException,
    WebAuthnChallengeNotFoundException,
    WebAuthnClientMismatchException,
    WebAuthnConfigurationMissingException,
    WebAuthnCredentialNotSupportedException,
    WebAuthnNotEnabledException,
)
from local_aws.cognito.records import Grant, Passkey, Registration
from local_aws.cognito.sign_in import challenge_sessions, first_factors
from local_aws.cognito.state import Call
from local_aws.cognito.tokens import bearer
from local_aws.cognito.web_authn import RelyingParty

# https://docs.aws.amazon.com/cognito/latest/developerguide/limits.html
MOST = 20  # passkeys of a user, and of a page
CHALLENGE_BYTES = 32
TIMEOUT_MS = 60_000  # for the browser, as in the example of StartWebAuthnRegistration


def new_challenge() -> str:
    """Return a random challenge in base64url."""
    return web_authn.encoded(secrets.token_bytes(CHALLENGE_BYTES))


def descriptors(passkeys: Iterable[Passkey]) -> list[dict[str, str]]:
    """Return the credential descriptors of WebAuthn."""
    return [{"type": "public-key", "id": passkey.credential_id} for passkey in passkeys]


def _holder(call: Call) -> tuple[Grant, RelyingParty | None]:
    """Return the caller, and the relying party of the pool."""
    grant = bearer(call)
    if challenge_sessions.WEB_AUTHN not in first_factors.allowed(grant.pool):
        raise WebAuthnNotEnabledException
    return grant, relying_parties.of_pool(call.cognito, grant.pool)


def start_registration(call: Call) -> dict[str, Any]:
    """Return the options to create a passkey; a registration in progress is cancelled."""
    grant, party = _holder(call)
    if party is None:
        raise WebAuthnConfigurationMissingException
    user, account = grant.user, call.cognito.account(grant.user)
    if len(account.passkeys) >= MOST:
        raise LimitExceededException
    expires_at = call.now + find_app(grant.client_id).session_s
    account.registration = Registration(grant.client_id, new_challenge(), expires_at)
    name = account.typed_name or user.username
    options = {
        "authenticatorSelection": {
            "requireResidentKey": True,
            "residentKey": "required",
            "userVerification": party.verification,
        },
        "challenge": account.registration.challenge,
        "excludeCredentials": descriptors(account.passkeys.values()),
        "pubKeyCredParams": [{"alg": web_authn.ES256, "type": "public-key"}],
        "rp": {"id": party.id, "name": party.id},
        "timeout": TIMEOUT_MS,
        "user": {
            "displayName": name,
            "id": web_authn.encoded(user.id.encode()),
            "name": name,
        },
    }
    return {"CredentialCreationOptions": options}


def complete_registration(call: Call) -> dict[str, Any]:
    """Store the passkey that the browser created."""
    grant, party = _holder(call)
    account = call.cognito.account(grant.user)
    begun = account.registration
    if party is None or begun is None or begun.expires_at <= call.now:
        raise WebAuthnChallengeNotFoundException
    if begun.client_id != grant.client_id:
        raise WebAuthnClientMismatchException
    passkey = _checked(call.parameters["Credential"], begun.challenge, party, call.now)
    everybody = (call.cognito.account(user) for user in grant.pool.users.values())
    if any(passkey.credential_id in other.passkeys for other in everybody):
        raise InvalidParameterException("Invalid credential: it is registered already")
    account.registration = None
    account.passkeys[passkey.credential_id] = passkey
    return {}


def _checked(
    credential: Mapping[str, Any], challenge: str, party: RelyingParty, now: float
) -> Passkey:
    response = web_authn.response(credential)
    client_data = web_authn.decoded(response, "clientDataJSON")
    web_authn.check_client_data(client_data, web_authn.CREATE, challenge, party)
    data = web_authn.decoded(response, "authenticatorData")
    sign_count = web_authn.check_authenticator_data(data, party)
    if response.get("publicKeyAlgorithm") != web_authn.ES256:
        raise WebAuthnCredentialNotSupportedException
    der = web_authn.decoded(response, "publicKey")
    name = web_authn.decoded(credential, "rawId")
    attested = web_authn.attested(name, web_authn.public_key(der))
    begins = web_authn.HEADER_BYTES + web_authn.AAGUID_BYTES
    included = data[32] & web_authn.CREDENTIAL_INCLUDED and data[begins:].startswith(attested)
    if not included or data not in web_authn.decoded(response, "attestationObject"):
        raise InvalidParameterException("Invalid credential: the authenticator attests another one")
    transports = response.get("transports", [])
    return Passkey(
        credential_id=web_authn.encoded(name),
        public_key=der,
        sign_count=sign_count,
        relying_party_id=party.id,
        transports=[str(way) for way in transports] if isinstance(transports, list) else [],
        attachment=credential.get("authenticatorAttachment"),
        created_at=now,
    )


def list_credentials(call: Call) -> dict[str, Any]:
    """Return a page of the user's passkeys, the oldest first."""
    passkeys = list(call.cognito.account(bearer(call).user).passkeys.values())
    token = call.parameters.get("NextToken", "0")
    if not token.isdecimal():
        raise InvalidParameterException("Invalid NextToken")
    begin = int(token)
    end = begin + (call.parameters.get("MaxResults") or MOST)
    listed: dict[str, Any] = {"Credentials": [_described(one) for one in passkeys[begin:end]]}
    return listed | ({"NextToken": str(end)} if end < len(passkeys) else {})


def _described(passkey: Passkey) -> dict[str, Any]:
    described = {
        "CredentialId": passkey.credential_id,
        "FriendlyCredentialName": "Passkey",
        "RelyingPartyId": passkey.relying_party_id,
        "AuthenticatorTransports": passkey.transports,
        "CreatedAt": passkey.created_at,
    }
    if passkey.attachment is not None:
        described["AuthenticatorAttachment"] = passkey.attachment
    return described


def delete_credential(call: Call) -> dict[str, Any]:
    """Delete one of the user's passkeys."""
    account = call.cognito.account(bearer(call).user)
    if account.passkeys.pop(call.parameters["CredentialId"], None) is None:
        raise ResourceNotFoundException("The credential does not exist.")
    if not account.passkeys:
        account.passkey_mfa_enabled = False
    return {}
