"""
The lockout of a user after failed sign-ins.

AWS documents a lock of "your user" after five failed attempts with a password or with an MFA code, and
none for unknown user names. The local Cognito therefore locks existing users only, which is the case in
which a visible lock reveals that the user exists.
https://docs.aws.amazon.com/cognito/latest/developerguide/authentication.html#authentication-flow-lockout-behavior
https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-mfa.html
https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pool-managing-errors.html
"""

from moto.cognitoidp.models import CognitoIdpUser as User

from local_aws.cognito.errors import NotAuthorizedException
from local_aws.cognito.state import Call

FREE_FAILURES = 5
LONGEST_LOCK_S = 900


def check(call: Call, user: User) -> None:
    """Raise NotAuthorizedException while the user is locked; 15 quiet minutes reset the count."""
    account = call.cognito.account(user)
    if call.now < account.locked_until:
        raise NotAuthorizedException("Password attempts exceeded")
    if call.now - account.last_sign_in_at >= LONGEST_LOCK_S:
        account.failed_sign_ins = 0
    account.last_sign_in_at = call.now


def count_failure(call: Call, user: User) -> None:
    """Count a wrong password or MFA code: the fifth locks for 1 s, each further one for twice as long."""
    account = call.cognito.account(user)
    if account.simulated:
        return
    account.failed_sign_ins += 1
    beyond = account.failed_sign_ins - FREE_FAILURES
    if beyond >= 0:
        account.locked_until = call.now + min(2**beyond, LONGEST_LOCK_S)
