"""The URI that an authenticator app scans."""

import pyotp
import pytest

from service.api.otpauth import otpauth_uri, with_uri
from service.domain.sessions import Challenge

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # noqa: S105 -- of a test account


@pytest.mark.parametrize("account", ["alice", "alice+b@example.com", "Ålice & Bob", "a:b?c#d"])
def test_app_reads_the_address(account: str) -> None:
    """The URI has the secret, the account and the issuer."""
    read = pyotp.parse_uri(otpauth_uri(SECRET, account, issuer="user profile"))

    assert isinstance(read, pyotp.TOTP)
    assert (read.secret, read.issuer) == (SECRET, "user profile")
    assert read.name == account


def test_challenge_with_a_secret_gets_the_address() -> None:
    """MFA_SETUP has the URI beside the secret; other challenges are unchanged."""
    other = Challenge("SMS_MFA", "s", {"x": "y"})
    set_up = Challenge("MFA_SETUP", "s", {"SECRET_CODE": SECRET})

    assert with_uri(other, "alice", issuer="x") is other
    assert with_uri(set_up, "alice", issuer="x").parameters == {
        "SECRET_CODE": SECRET,
        "OTPAUTH_URI": otpauth_uri(SECRET, "alice", issuer="x"),
    }
