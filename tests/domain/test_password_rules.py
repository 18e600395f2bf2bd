"""Which passwords keep the rules."""

import pytest

from service.domain.passwords import CHARACTERS, PasswordRules

ALL = PasswordRules(8, tuple(CHARACTERS))


@pytest.mark.parametrize(
    "password", ["YourPass123!", "aA1^bbbb", "aA1 bbbb", "aA1-bbbbé", "Aa1" + "/" * 90]
)
def test_password_with_all_that_is_needed_is_allowed(password: str) -> None:
    """A password of sufficient length with each required class is allowed, whatever else it contains."""
    assert ALL.allow(password)


@pytest.mark.parametrize(
    "password", ["aA1!bbb", "aaaaaa1!", "AAAAAA1!", "aAbbbbb!", "aA1bbbbb", "äÖ१bbbb!"]
)
def test_password_that_lacks_something_is_not(password: str) -> None:
    """One character or one kind too few."""
    assert not ALL.allow(password)


def test_only_configured_rules_apply() -> None:
    """A rule that is not configured is not checked."""
    assert PasswordRules(6, ()).allow("aaaaaa")
    assert not PasswordRules(6, ()).allow("aaaaa")
