"""A call to Cognito, and the fields of our request that its arguments come from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from service.cognito.refusals.wrong_fields import malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import OperationModel, Shape

    from service.domain.errors import ServiceError

OUTSIDE_ANSWER: Final = frozenset({"answer", "name", "username"})  # of a challenge
# A front end acts on the error of a token or a session as on that of an unknown one.
ISSUED: Final = (
    "AccessToken",
    "Code",
    "ConfirmationCode",
    "CredentialId",
    "DeviceKey",
    "RefreshToken",
    "Session",
    "Token",
    "UserCode",
)


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
    def has_fields(self) -> bool:
        """Return whether any argument comes from a field of the body."""
        return not self.arguments.keys() <= {"AccessToken", "CredentialId"}

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


def malformed_value(model: OperationModel, request: CognitoRequest) -> ServiceError | None:
    """Return the error for the first argument that violates Cognito's service model, None for none."""
    assert model.input_shape is not None  # noqa: S101 -- every operation takes arguments
    members: Mapping[str, Shape] = model.input_shape.members
    for name in ISSUED:
        value = request.arguments.get(name)
        if isinstance(value, str) and not _conforms(value, members[name].metadata):
            return malformed(name, request)
    return None


def _conforms(value: str, limits: Mapping[str, object]) -> bool:
    """Return whether *value* has the length and the pattern of its shape."""
    least, most = (limits.get(name, len(value)) for name in ("min", "max"))
    assert isinstance(least, int)  # noqa: S101 -- of the model
    assert isinstance(most, int)  # noqa: S101 -- likewise
    pattern = str(limits.get("pattern", r"[\s\S]*"))
    return least <= len(value) <= most and re.fullmatch(pattern, value, re.ASCII) is not None
