"""Sign-in with a passkey."""

import json
from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User

from local_aws.cognito import passkey_mfa, relying_parties, web_authn
from local_aws.cognito.errors import CognitoError, InvalidParameterException, NotAuthorizedException
from local_aws.cognito.passkeys import TIMEOUT_MS, descriptors, new_challenge
from local_aws.cognito.records import Expected, Passkey, Session
from local_aws.cognito.settings import App
from local_aws.cognito.shapes import required
from local_aws.cognito.sign_in import password_sign_in
from local_aws.cognito.state import Call
from local_aws.cognito.web_authn import RelyingParty


def options(call: Call, app: App, user: User) -> tuple[dict[str, str], Expected]:
    """Return the parameters of a WEB_AUTHN challenge, and what its response is compared with."""
    party = _party(call, app)
    challenge = new_challenge()
    passkeys = relying_parties.usable_passkeys(call.cognito, app.pool, user)
    wanted = {
        "allowCredentials": descriptors(passkeys),
        "challenge": challenge,
        "rpId": party.id,
        "timeout": TIMEOUT_MS,
        "userVerification": party.verification,
    }
    return {"CREDENTIAL_REQUEST_OPTIONS": json.dumps(wanted)}, Expected(challenge)


def _party(call: Call, app: App) -> RelyingParty:
    party = relying_parties.of_pool(call.cognito, app.pool)
    if party is None:  # it was removed after the challenge
        raise NotAuthorizedException
    return party


def answer(call: Call, app: App, session: Session, responses: dict[str, str]) -> dict[str, Any]:
    """Handle WEB_AUTHN; every failed check is the same NotAuthorizedException."""
    given = required(responses, "CREDENTIAL")
    try:
        credential = json.loads(given)
    except ValueError:
        credential = None
    if not isinstance(credential, dict):
        raise InvalidParameterException("Invalid credential: it is no JSON object")
    passkey = call.cognito.account(session.user).passkeys.get(web_authn.text(credential, "id"))
    if passkey is None:
        raise NotAuthorizedException
    try:
        _check(passkey, credential, session, _party(call, app))
    except CognitoError:
        raise NotAuthorizedException from None
    both = passkey_mfa.enabled(call.cognito, app.pool, session.user)
    return password_sign_in.after_first_factor(call, app, session.user, both_factors=both)


def _check(
    passkey: Passkey, credential: dict[str, Any], session: Session, party: RelyingParty
) -> None:
    response = web_authn.response(credential)
    client_data = web_authn.decoded(response, "clientDataJSON")
    challenge = session.expected.secret
    web_authn.check_client_data(client_data, web_authn.GET, challenge, party)
    data = web_authn.decoded(response, "authenticatorData")
    sign_count = web_authn.check_authenticator_data(data, party)
    key = web_authn.public_key(passkey.public_key)
    signature = web_authn.decoded(response, "signature")
    holder = response.get("userHandle")
    if (
        holder not in (None, web_authn.encoded(session.user.id.encode()))
        or not web_authn.is_signed(key, signature, data, client_data)
        # A counter that does not grow indicates a copy; authenticators without a counter send 0.
        or (passkey.sign_count and sign_count <= passkey.sign_count)
    ):
        raise NotAuthorizedException
    passkey.sign_count = sign_count
