"""Tokens, sessions and codes that Cognito cannot have issued: they are refused without a call."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from service.cognito.wrong_fields import malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import OperationModel, Shape

    from service.cognito.cognito_request import CognitoRequest
    from service.domain.errors import ServiceError

# A front end acts on the error of a token or a session as on that of an unknown one.
ISSUED: Final = (
    "AccessToken",
    "Code",
    "ConfirmationCode",
    "CredentialId",
    "RefreshToken",
    "Session",
    "Token",
    "UserCode",
)


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
