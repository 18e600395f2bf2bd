"""Files with tokens for credentials, which editors and `kubectl create secret` end with a line feed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiobotocore import credentials
from botocore.utils import FileWebIdentityTokenLoader

from service.aws import credential_process

if TYPE_CHECKING:
    from aiobotocore.session import AioSession

_botocore: Any = credentials  # the types of botocore lack what its providers call internally


def credential_resolver(session: AioSession, region: str) -> Any:  # noqa: ANN401 -- botocore's
    """
    Return botocore's credential chain.

    It drops white space around the tokens that it reads, and kills programs that an attempt gave up.
    """
    resolver = _botocore.create_credential_resolver(session, region_name=region)
    for index, provider in enumerate(resolver.providers):
        if isinstance(provider, _botocore.AioContainerProvider):
            resolver.providers[index] = _ContainerProvider()
        elif isinstance(provider, _botocore.AioAssumeRoleWithWebIdentityProvider):
            provider._token_loader_cls = _WebIdentityToken  # noqa: SLF001 -- the session makes it without one
        elif isinstance(provider, _botocore.AioProcessProvider):
            provider._popen = credential_process.start  # noqa: SLF001 -- likewise
    return resolver


class _ContainerProvider(_botocore.AioContainerProvider):  # type: ignore[misc]  # see _botocore
    """The provider of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE; botocore's fails for a line feed."""

    def _validate_auth_token(self, token: str) -> None:
        super()._validate_auth_token(token.strip())

    def _build_headers(self) -> dict[str, str] | None:
        headers: dict[str, str] | None = super()._build_headers()
        return headers and {name: value.strip() for name, value in headers.items()}


class _WebIdentityToken(FileWebIdentityTokenLoader):
    """The loader of AWS_WEB_IDENTITY_TOKEN_FILE; botocore's sends the line feed to STS."""

    def __call__(self) -> str:
        token: str = super().__call__()
        return token.strip()
