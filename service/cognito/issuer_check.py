"""Whether the app client belongs to the configured user pool, by the first tokens that it issues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import jwt
import structlog

if TYPE_CHECKING:
    from service.config.settings import CognitoConfig
    from service.domain.sessions import Tokens

ADVICE: Final = (
    "The app client belongs to another user pool, whose tokens are refused: correct "
    "AWS_COGNITO_USER_POOL_ID or AWS_COGNITO_CLIENT_ID, or AWS_COGNITO_ISSUERS if it is set."
)


class IssuerCheck:
    """The check of the first sign-in of a process."""

    def __init__(self, config: CognitoConfig) -> None:
        self._config = config
        self._is_checked = False

    def check(self, tokens: Tokens) -> None:
        """Log once if the issuer of *tokens* is not that of the user pool."""
        if self._is_checked:
            return
        self._is_checked = True
        claims = jwt.decode(tokens.id_token, options={"verify_signature": False})
        issuer, issuers = str(claims.get("iss")), self._config.issuers
        is_own = issuer in issuers if issuers else issuer.endswith(f"/{self._config.user_pool_id}")
        if not is_own:
            structlog.get_logger().warning(
                "tokens_of_another_pool",
                issuer=issuer,
                client_id=self._config.client_id,
                setting="[aws.cognito] user-pool-id",
                advice=ADVICE,
            )
