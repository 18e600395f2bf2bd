"""Tokens, sessions and codes that cannot be Cognito's: the same to a caller as those it does not know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from service.domain.errors import (
    ChallengeExpired,
    CodeMismatch,
    PasskeyNotFound,
    RefreshTokenInvalid,
    ServiceError,
    TokenInvalid,
)

if TYPE_CHECKING:
    from botocore.model import OperationModel, Shape

MEANINGS: Final[Mapping[str, type[ServiceError]]] = {
    "AccessToken": TokenInvalid,
    "Code": CodeMismatch,
    "ConfirmationCode": CodeMismatch,
    "CredentialId": PasskeyNotFound,
    "RefreshToken": RefreshTokenInvalid,
    "Session": ChallengeExpired,
    "Token": TokenInvalid,  # of RevokeToken
    "UserCode": CodeMismatch,
}
# The message begins with: 1 validation error detected: Value at 'session' failed to satisfy constraint
_FAILED: Final = re.compile(r"at '(\w+)' failed to satisfy")


def malformed_value(model: OperationModel, arguments: Mapping[str, object]) -> ServiceError | None:
    """Return the error for the first argument that violates Cognito's service model, None for none."""
    assert model.input_shape is not None  # noqa: S101 -- every operation takes arguments
    members: Mapping[str, Shape] = model.input_shape.members
    for name, meaning in MEANINGS.items():
        value = arguments.get(name)
        if isinstance(value, str) and not _conforms(value, members[name].metadata):
            return meaning()
    return None


def refused_value(message: str) -> ServiceError | None:
    """Return the error for the value that a message of Cognito names, None for any other value."""
    failed = _FAILED.search(message)
    name = "" if failed is None else failed[1][0].upper() + failed[1][1:]
    return MEANINGS[name]() if name in MEANINGS else None


def _conforms(value: str, limits: Mapping[str, object]) -> bool:
    """Return whether *value* has the length and the pattern of its shape."""
    least, most = (limits.get(name, len(value)) for name in ("min", "max"))
    assert isinstance(least, int)  # noqa: S101 -- of the model
    assert isinstance(most, int)  # noqa: S101 -- likewise
    pattern = str(limits.get("pattern", r"[\s\S]*"))
    return least <= len(value) <= most and re.fullmatch(pattern, value, re.ASCII) is not None
