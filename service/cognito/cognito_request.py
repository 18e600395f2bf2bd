"""A call to Cognito, and the fields of our request that its arguments come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

OUTSIDE_ANSWER: Final = frozenset({"answer", "name", "username"})  # of a challenge


@dataclass(frozen=True, slots=True)
class CognitoRequest:
    """The operation and arguments of a call to Cognito."""

    operation: str
    arguments: Mapping[str, Any]

    @property
    def answers_challenge(self) -> bool:
        """Return whether it belongs to the answer to a challenge."""
        return "Session" in self.arguments and "AccessToken" not in self.arguments

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """Return the names of the attributes in the request."""
        named = [entry["Name"] for entry in self.arguments.get("UserAttributes", ())]
        answered = (
            name.removeprefix("userAttributes.")
            for name in self.arguments.get("ChallengeResponses", {})
            if name.startswith("userAttributes.")
        )
        return (*named, *self.arguments.get("UserAttributeNames", ()), *answered)

    def field(self, name: str) -> str:
        """Return the path of a field in the body."""
        nested = self.answers_challenge and name.partition(".")[0] not in OUTSIDE_ANSWER
        return f"answer.{name}" if nested else name

    def password_field(self) -> str:
        """Return the path of the new password."""
        changes = self.answers_challenge or "ProposedPassword" in self.arguments
        return self.field("newPassword" if changes else "password")

    def attribute(self, name: str | None = None) -> str:
        """Return the path of an attribute; of the only one, or of all, if it is not known which."""
        sent = self.attribute_names
        known = sent[0] if name is None and len(sent) == 1 else name
        return self.field("attributes" if known is None else f"attributes.{known}")
