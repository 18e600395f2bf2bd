"""Sessions of pools that track them: each is one sign-in with its refresh tokens."""

import secrets
import string

from local_aws.cognito.records import Account, Grant, TrackedSession
from local_aws.cognito.state import Cognito

ID_PREFIX = "tkn"  # of a token session
ID_CHARACTERS = string.ascii_lowercase + string.digits
ID_LENGTH = 25  # after the prefix


def begin(cognito: Cognito, account: Account, grant: Grant) -> None:
    """Track the session of a new grant; above MaxPerUser, the least recently used one is revoked."""
    configuration = cognito.session_configuration(grant.pool)
    if not configuration.tracking:
        return
    others = active(account, cognito.now())
    surplus = max(0, len(others) + 1 - configuration.max_per_user)
    least_recent = sorted(others, key=lambda other: record(other).last_active_at)
    for other in least_recent[:surplus]:
        other.revoked = True
    name = "".join(secrets.choice(ID_CHARACTERS) for _ in range(ID_LENGTH))
    now = cognito.now()
    grant.session = TrackedSession(ID_PREFIX + name, now, now, cognito.caller_address)


def record_activity(cognito: Cognito, grant: Grant) -> None:
    """Record that new tokens are issued."""
    if grant.session is not None:
        grant.session.last_active_at = cognito.now()
        grant.session.address = cognito.caller_address


def active(account: Account, now: float) -> list[Grant]:
    """Return the grants of the user's active sessions, the oldest first."""
    return [
        grant
        for grant in account.grants
        if grant.session is not None and not grant.revoked and grant.expires_at > now
    ]


def record(grant: Grant) -> TrackedSession:
    """Return the session of a grant that has one."""
    assert grant.session is not None  # noqa: S101 -- see active
    return grant.session
