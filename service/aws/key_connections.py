"""Connections to servers of public keys, made as those of Cognito's calls."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from service.aws.http_session import BoundedResponse, KeySession

if TYPE_CHECKING:
    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient

    from service.circuit_breaker import Breaker
    from service.config.settings import CognitoConfig

UNAUTHENTICATED: Final = "InitiateAuth"  # any operation: all have the same host
MAX_CONNECTIONS: Final = 8


class KeyResponse(BoundedResponse):
    """A response of a key server: a PEM has 200 bytes, a user pool's key set about 1,000."""

    max_bytes = 65_536


@dataclass(frozen=True, slots=True)
class KeyConnections:
    """
    How public keys are fetched.

    *cognito_url* is the endpoint of Cognito's calls, *verify* what botocore has found in AWS_CA_BUNDLE,
    the AWS profile or REQUESTS_CA_BUNDLE, and *timeout* limits an attempt as it does for Cognito's calls.
    """

    cognito_url: str
    verify: bool | str
    timeout: tuple[float, float]

    def open(self, breaker: Breaker) -> AbstractAsyncContextManager[KeySession]:
        """Return a session for the requests that *breaker* counts; enter it."""
        return KeySession(
            breaker=breaker,
            response_class=KeyResponse,
            timeout=self.timeout,
            verify=self.verify,
            max_pool_connections=MAX_CONNECTIONS,
            connector_args={"force_close": True},  # one fetch an hour
        )


async def key_connections(
    client: CognitoIdentityProviderClient, config: CognitoConfig
) -> KeyConnections:
    """
    Return how *client* connects to Cognito.

    Its endpoint depends on settings of the service and of the AWS SDK (FIPS, dual-stack, endpoint URLs);
    raises BotoCoreError if they exclude each other, so that no call is possible.
    """
    internals: Any = client
    endpoint = await internals._ruleset_resolver.construct_endpoint(  # noqa: SLF001 -- `meta.endpoint_url` knows no rules
        operation_model=client.meta.service_model.operation_model(UNAUTHENTICATED),
        call_args={},
        request_context={},
    )
    return KeyConnections(
        endpoint.url,
        internals._endpoint.http_session.verify,  # noqa: SLF001 -- botocore has no public way
        (config.connect_timeout_s, config.read_timeout_s),
    )
