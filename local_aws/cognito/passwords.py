"""The password policy of a pool."""

import re

from moto.cognitoidp.models import CognitoIdpUserPool as Pool

from local_aws.cognito.errors import InvalidPasswordException
from local_aws.cognito.settings import setting

# https://docs.aws.amazon.com/cognito/latest/developerguide/managing-users-passwords.html
_SYMBOLS = re.escape("^$*.[]{}()?-\"!@#%&/\\,><':;|_~`+= ")
_CLASSES = {
    "RequireLowercase": ("[a-z]", "lowercase"),
    "RequireUppercase": ("[A-Z]", "uppercase"),
    "RequireNumbers": ("[0-9]", "numeric"),
    "RequireSymbols": (f"[{_SYMBOLS}]", "symbol"),
}


def check_policy(pool: Pool, password: str) -> None:
    """Raise InvalidPasswordException with the rule that the password breaks."""
    policy = setting(pool, "Policies", {})["PasswordPolicy"]  # pool_factors fills it in
    if len(password) < policy.get("MinimumLength", 8):
        raise InvalidPasswordException(
            "Password did not conform with policy: Password not long enough"
        )
    for rule, (characters, name) in _CLASSES.items():
        if policy.get(rule) and not re.search(characters, password):
            raise InvalidPasswordException(
                f"Password did not conform with policy: Password must have {name} characters"
            )
