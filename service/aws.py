"""The way to AWS: the clients with their limits, and botocore's errors as the domain's."""

from __future__ import annotations

import functools
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from traceback import walk_tb
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import aioboto3
import structlog
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.exceptions import ConnectionError as NeverConnected
from botocore.loaders import Loader, create_loader

from service.calls import COGNITO, DYNAMODB, Calls
from service.domain.errors import (
    FeatureUnavailable,
    Misconfigured,
    ServiceError,
    ServiceFault,
    UpstreamFault,
    UpstreamUnavailable,
)
from service.metrics.metrics import Metrics
from service.transport import parsing, retries
from service.transport.credentials import Renewing
from service.transport.fast import FastTransport
from service.transport.sessions import BoundedItems, GuardedSession
from service.transport.shortcut import Shortcut
from service.upstreams.breaker import Breaker, UpstreamRefused

if TYPE_CHECKING:
    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient
    from types_aiobotocore_dynamodb import DynamoDBClient

    from service.config import CognitoConfig, Config, DynamoDBConfig

# An exception's name on the wire -> the domain's error, or what makes one where a name means several.
ErrorTable: TypeAlias = Mapping[str, "type[ServiceError] | Callable[[ClientError], ServiceError]"]

COMMON_ERRORS: ErrorTable = {  # of every AWS service
    "AccessDeniedException": Misconfigured,
    "ExpiredTokenException": Misconfigured,
    "IncompleteSignature": Misconfigured,
    "InvalidSignatureException": Misconfigured,
    "MissingAuthenticationTokenException": Misconfigured,
    "RequestLimitExceeded": UpstreamUnavailable,
    "ThrottlingException": UpstreamUnavailable,
    "UnknownOperationException": FeatureUnavailable,
    "UnrecognizedClientException": Misconfigured,
}
BOTOCORES = ("aiobotocore.", "botocore.", "service.transport.")  # which does what botocore does
DYNAMODB_ATTEMPTS = 3
NAME = re.compile(r"[A-Za-z0-9.]{1,64}")  # of an exception, as AWS has them
RETRY_AFTER_S = 1  # of what is throttled or down: a client's own backoff takes over from there


@dataclass(frozen=True, slots=True)
class Credentials:
    """Credentials given by hand, as for a local AWS; otherwise botocore finds its own."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Clients:
    """The open clients, one a service."""

    cognito: CognitoIdentityProviderClient
    dynamodb: DynamoDBClient


@asynccontextmanager
async def clients(
    config: Config, credentials: Credentials | None = None, calls: Calls | None = None
) -> AsyncIterator[Clients]:
    """
    Open the clients of one session, and close them; *calls* notes what they are used for.

    Cognito's calls are sent once: most are not idempotent, and its limits are per user. DynamoDB's
    are tried several times: every write carries what tells its own repetition from another's write.
    """
    calls = calls or Calls(Metrics())
    told = calls.metrics.breaker_state
    on_retry = functools.partial(calls.metrics.upstream_retried, DYNAMODB)
    async with (
        _session(config, credentials) as session,
        cognito_client(session, config, Breaker(COGNITO, config.upstreams, told)) as cognito,
        dynamodb_client(
            session, config, Breaker(DYNAMODB, config.upstreams, told), on_retry
        ) as dynamodb,
    ):
        yield Clients(calls.watched(cognito, COGNITO), calls.watched(dynamodb, DYNAMODB))


@asynccontextmanager
async def _session(
    config: Config, credentials: Credentials | None
) -> AsyncIterator[aioboto3.Session]:
    """Open a session with these credentials, or with those that botocore finds, and close it."""
    region = config.aws.region
    botocores = AioSession()
    botocores.register_component("data_loader", model_loader(botocores))
    renewing = Renewing(botocores, region)
    botocores.register_component("credential_provider", renewing)
    session = aioboto3.Session(
        aws_access_key_id=credentials.access_key_id if credentials else None,
        aws_secret_access_key=credentials.secret_access_key if credentials else None,
        region_name=region,
        botocore_session=botocores,
    )
    try:
        yield session
    finally:
        await renewing.close()


def model_loader(session: AioSession) -> Loader:
    """
    Return what reads botocore's models of the AWS services, from where *session* is configured to look.

    All sessions that look in the same places have the same one, and it keeps what it has read: parsing
    the models of Cognito and DynamoDB is half of the time that opening the clients takes.
    """
    return _model_loader(session.get_config_variable("data_path"))


@functools.cache
def _model_loader(data_path: str | None) -> Loader:
    return create_loader(data_path)


@asynccontextmanager
async def cognito_client(
    session: aioboto3.Session, config: Config, breaker: Breaker
) -> AsyncIterator[CognitoIdentityProviderClient]:
    """Open the client of Cognito, and close it."""
    options = _limits(config, config.cognito, attempts=1)
    options["http_session_cls"] = functools.partial(GuardedSession, breaker=breaker)
    async with session.client(
        "cognito-idp", endpoint_url=config.cognito.endpoint_url, config=AioConfig(**options)
    ) as client:
        yield client


@asynccontextmanager
async def dynamodb_client(
    session: aioboto3.Session,
    config: Config,
    breaker: Breaker,
    on_retry: Callable[[], None] = retries.untold,
) -> AsyncIterator[DynamoDBClient]:
    """Open the client of DynamoDB with the transport that is configured, and close it."""
    options = {
        **_limits(config, config.dynamodb, attempts=DYNAMODB_ATTEMPTS),
        "parameter_validation": False,  # storage/ makes every request in full
        "endpoint_discovery_enabled": False,  # it would send where the fast transport does not
    }
    fast = FastTransport(breaker) if config.dynamodb.transport == "fast" else None
    options["http_session_cls"] = (
        functools.partial(GuardedSession, breaker=breaker, answers=BoundedItems)
        if fast is None
        else fast.http_session
    )
    async with session.client(
        "dynamodb", endpoint_url=config.dynamodb.endpoint_url, config=AioConfig(**options)
    ) as client:
        retries.attach(client, attempts=DYNAMODB_ATTEMPTS, on_retry=on_retry)
        if fast is None:
            parsing.attach(client)
            yield client
        else:
            fast.attach(client)
            yield cast("DynamoDBClient", Shortcut(client, fast))


def _limits(
    config: Config, service: CognitoConfig | DynamoDBConfig, *, attempts: int
) -> dict[str, Any]:
    """Return what AioConfig takes of a service's limits."""
    return {
        "connect_timeout": service.connect_timeout_s,
        "read_timeout": service.read_timeout_s,
        "max_pool_connections": config.server.max_in_flight,
        "retries": {"mode": "standard", "total_max_attempts": attempts},
        "user_agent": "user-profile-service",  # a fixed one saves building it twice a call
    }


@contextmanager
def translated(table: ErrorTable) -> Iterator[None]:
    """
    Raise what botocore raises as the domain's error; the original stays its cause, for the log.

    An exception that neither *table* nor COMMON_ERRORS names is an UpstreamFault, or, with an HTTP
    status from 500, an UpstreamUnavailable, but with 501 a FeatureUnavailable. Whatever kept an answer
    from coming is an UpstreamUnavailable, and so is what the breaker refused; that there are no
    credentials to ask with, Misconfigured.
    """
    try:
        yield
    except UpstreamRefused as refused:  # its breaker has told the log
        raise UpstreamUnavailable(retry_after_s=refused.retry_after_s) from refused
    except ClientError as error:
        meaning = _meaning(table, error)
        if isinstance(meaning, ServiceFault | UpstreamUnavailable):
            _report(error, meaning)
        raise meaning from error
    except (NeverConnected, HTTPClientError, CredentialRetrievalError) as error:
        _report_unanswered(error)
        raise UpstreamUnavailable(retry_after_s=RETRY_AFTER_S) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        _report_unanswered(error)
        raise Misconfigured from error
    except Exception as error:
        if not (isinstance(error, BotoCoreError) or _is_botocores(error)):
            raise
        _report_unanswered(error)
        raise UpstreamFault from error


def required(answer: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 -- botocore's value
    """
    Return a member that an answer must have; raises UpstreamFault without it.

    botocore makes an empty answer of a page that is no answer, such as a proxy's with status 200.
    """
    if name not in answer:
        raise UpstreamFault
    return answer[name]


def _is_botocores(error: Exception) -> bool:
    """
    Tell whether an error came about inside botocore, which takes AWS's answers on trust.

    JSON that is a list where an object should be is an AttributeError there, for one.
    """
    return any(
        frame.f_globals["__name__"].startswith(BOTOCORES)
        for frame, _ in walk_tb(error.__traceback__)
    )


def _report_unanswered(error: Exception) -> None:
    """Log why there is no answer, without the message: it may repeat what was to be sent."""
    structlog.get_logger().warning("aws_call_failed", error=type(error).__name__)


def _report(error: ClientError, meaning: ServiceError) -> None:
    """Log what the operator must know; a message only where it is of credentials or permissions."""
    told = error.response.get("Error", {})
    ours = isinstance(meaning, Misconfigured) and told.get("Code") in COMMON_ERRORS
    details = {"message": told.get("Message")} if ours else {}
    name = told.get("Code")
    known = isinstance(name, str) and NAME.fullmatch(name)
    structlog.get_logger().warning(
        "aws_call_failed",
        operation=error.operation_name,
        error=name if known else "unknown",  # whoever answers may write anything there
        **details,
    )


def _meaning(table: ErrorTable, error: ClientError) -> ServiceError:
    name = error.response.get("Error", {}).get("Code")
    meaning = None
    if isinstance(name, str):  # it is whatever the answer had in that place
        meaning = table.get(name) or COMMON_ERRORS.get(name)
    if meaning is None:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        meaning = _meaning_of_status(status)
    if not isinstance(meaning, type):
        return meaning(error)
    return meaning(retry_after_s=RETRY_AFTER_S) if meaning is UpstreamUnavailable else meaning()


def _meaning_of_status(status: int) -> type[ServiceError]:
    if status == HTTPStatus.NOT_IMPLEMENTED:  # as local AWSs say of operations that they lack
        return FeatureUnavailable
    return UpstreamUnavailable if status >= HTTPStatus.INTERNAL_SERVER_ERROR else UpstreamFault
