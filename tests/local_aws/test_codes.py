"""Codes are random, and never easily guessed."""

import re
import secrets
from collections.abc import Iterator

import pytest
from moto.cognitoidp.models import CognitoIdpUser, CognitoIdpUserPool

from local_aws.cognito import codes, totp
from local_aws.cognito.records import Account
from local_aws.cognito.state import Call, Cognito
from local_aws.outbox import Delivery


@pytest.mark.parametrize("trivial", [0, 111111, 123456, 12345, 654321, 482913])
def test_trivial_or_former_code_is_drawn_again(
    monkeypatch: pytest.MonkeyPatch, trivial: int
) -> None:
    """Neither 123456 nor the previous code is ever sent."""
    drawn: Iterator[int] = iter([482913, trivial, 700301])
    monkeypatch.setattr(secrets, "randbelow", lambda _: next(drawn))
    sent: list[Delivery] = []
    cognito = Cognito(sent.append, lambda: 0.0)
    pool = CognitoIdpUserPool("123456789012", "eu-central-1", "x", {})
    user = CognitoIdpUser(pool.id, "alice", "x", "UNCONFIRMED", [])
    for _ in range(2):
        codes.send(Call("SignUp", {}, cognito), pool, user, codes.CONFIRMATION, None)
    assert [mail.code for mail in sent] == ["482913", "700301"]


def test_secret_has_the_length_of_cognitos() -> None:
    """A TOTP secret is base32 without padding, 52 characters."""
    assert re.fullmatch("[A-Z2-7]{52}", totp.new_secret())


# https://www.rfc-editor.org/rfc/rfc6238#appendix-B, the last six digits
@pytest.mark.parametrize(
    ("at", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_code_is_that_of_the_standard(at: int, code: str) -> None:
    """The codes are those of RFC 6238, as of any authenticator app."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # noqa: S105 -- RFC 6238's example
    assert totp.matching_step(secret, code, at) == at // 30


def test_used_steps_are_forgotten_in_time() -> None:
    """Only steps that could still be accepted are kept."""
    account = Account()
    assert totp.mark_used(account, 10)
    assert not totp.mark_used(account, 10)
    assert totp.mark_used(account, 13)
    assert account.used_totp_steps == {13}
