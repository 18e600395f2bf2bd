"""Sign-in at the domain of the user pool, by an authorization code with PKCE (RFC 6749, RFC 7636)."""

from dataclasses import dataclass, field
from typing import Protocol

from service.domain.sessions import Tokens


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """
    What a page asks of the domain; *provider* is None where the user chooses.

    *nonce* is None, or what the id token will repeat.
    """

    redirect_uri: str
    code_challenge: str = field(repr=False)
    state: str = field(repr=False)
    provider: str | None = None
    nonce: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """The code of a sign-in, with what proves that the caller began it; *nonce* as in the request."""

    code: str = field(repr=False)
    redirect_uri: str
    code_verifier: str = field(repr=False)
    nonce: str | None = field(default=None, repr=False)


class FederatedSignIn(Protocol):
    """The port of the user pool's domain. Only `exchange` calls it; the other methods build URLs."""

    def sign_in_url(self, request: AuthorizationRequest) -> str:
        """Return the URL at which the user signs in and returns with a code."""

    def sign_out_url(self, redirect_uri: str) -> str:
        """Return the URL that ends the domain's own session and returns to *redirect_uri*."""

    async def exchange(self, code: AuthorizationCode) -> Tokens:
        """
        Exchange the code for tokens, once: a repetition would be refused.

        Raises AuthorizationCodeInvalid, InvalidParameter, and TryLater and ServiceFault errors.
        """
