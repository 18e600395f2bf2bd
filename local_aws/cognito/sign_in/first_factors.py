"""First factors: those that a pool allows, and those that a user has."""

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import CognitoIdpUserPool as Pool

from local_aws.cognito import passkey_mfa, relying_parties
from local_aws.cognito.settings import setting
from local_aws.cognito.sign_in import second_factors
from local_aws.cognito.sign_in.challenge_sessions import EMAIL_OTP, PASSWORD, SMS_OTP, WEB_AUTHN
from local_aws.cognito.state import Cognito

CODES = {EMAIL_OTP: "email", SMS_OTP: "phone_number"}
PASSWORD_ALONE = [PASSWORD]  # a pool's default


def allowed(pool: Pool) -> list[str]:
    """Return the factors that the pool's sign-in policy allows."""
    policy = setting(pool, "Policies", {}).get("SignInPolicy", {})
    return list(policy.get("AllowedFirstAuthFactors", PASSWORD_ALONE))


def available(cognito: Cognito, pool: Pool, user: User) -> list[str]:
    """
    Return the factors that the user can begin a sign-in with.

    A user with a second factor begins with the password, or with a passkey that is both factors.
    """
    own = user.attribute_lookup
    has = {name for name, attribute in CODES.items() if attribute in own}
    if user.password is not None:
        has.add(PASSWORD)
    if relying_parties.usable_passkeys(cognito, pool, user):
        has.add(WEB_AUTHN)
    found = [name for name in allowed(pool) if name in has]
    if PASSWORD in found and second_factors.active(cognito, pool, user):
        both = passkey_mfa.enabled(cognito, pool, user)
        return [name for name in found if name == PASSWORD or (name == WEB_AUTHN and both)]
    return found
