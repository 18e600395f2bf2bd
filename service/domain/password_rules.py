"""The password rules of a user pool, checked before Cognito is called."""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# Amazon Cognito developer guide, "Adding user pool password requirements".
SYMBOLS: Final = "^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+- "
CHARACTERS: Final[Mapping[str, str]] = {
    "lowercase": string.ascii_lowercase,
    "uppercase": string.ascii_uppercase,
    "digits": string.digits,
    "symbols": SYMBOLS,
}


@dataclass(frozen=True, slots=True)
class PasswordRules:
    """The minimum length, and the classes in CHARACTERS of which a password needs one character each."""

    min_length: int
    requires: tuple[str, ...]

    def allow(self, password: str) -> bool:
        """Return whether *password* satisfies the rules."""
        return len(password) >= self.min_length and all(
            any(character in CHARACTERS[kind] for character in password) for kind in self.requires
        )
