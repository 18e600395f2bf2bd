"""The password rules of a user pool, for answering before the pool does."""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# Amazon Cognito developer guide, "Adding user pool password requirements"; a space counts inside.
SYMBOLS: Final = "^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+- "
CHARACTERS: Final[Mapping[str, str]] = {
    "lowercase": string.ascii_lowercase,
    "uppercase": string.ascii_uppercase,
    "digits": string.digits,
    "symbols": SYMBOLS,
}


@dataclass(frozen=True, slots=True)
class PasswordRules:
    """What a password needs: *min_length* characters, and one of each of *requires* in CHARACTERS."""

    min_length: int
    requires: tuple[str, ...]

    def allow(self, password: str) -> bool:
        """Tell whether a password keeps the rules."""
        return len(password) >= self.min_length and all(
            any(character in CHARACTERS[kind] for character in password) for kind in self.requires
        )
