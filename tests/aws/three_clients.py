"""The same calls with botocore alone and with both transports, to compare them."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias
from unittest.mock import patch

import aioboto3
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from botocore.retries.quota import RetryQuota

from service.aws import retries
from service.aws.clients import dynamodb_client
from service.aws.response_parsers import ResponseParserFactory
from service.aws.session import Credentials
from service.config.settings import Config
from service.observability.metrics.catalogue import Metrics
from service.observability.upstream_calls import UpstreamTelemetry
from tests.support.configs import BREAKER_OFF, configured
from tests.support.scripted_aws import ScriptedAws

PAUSES_ALMOST_NONE = 8_038  # a seed: botocore draws its pauses between attempts from `random`
NAMES = ("botocore alone", "transport = botocore", "transport = fast")

Client: TypeAlias = Any
Call: TypeAlias = Callable[[Client], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a server and a caller saw of a call, without what changes with each call."""

    attempts: list[tuple[str, Any]]  # operation and body
    heads: list[dict[str, str]]
    outcome: object


def settings(url: str, **more: str) -> Config:
    """Return the configuration of a client of *url*."""
    times = {"connect-timeout-s": "2", "read-timeout-s": "5"}
    return configured({"aws.dynamodb": {"endpoint-url": url, **times, **more}})


def session(credentials: Credentials | None, token: str | None = None) -> aioboto3.Session:
    """Return a session with *credentials*, or those that botocore finds, and the service's parsers."""
    core = AioSession()
    core.register_component("response_parser_factory", ResponseParserFactory())
    return aioboto3.Session(
        aws_access_key_id=credentials.access_key_id if credentials else None,
        aws_secret_access_key=credentials.secret_access_key if credentials else None,
        aws_session_token=token,
        region_name="us-east-1",
        botocore_session=core,
    )


@asynccontextmanager
async def three_clients(
    opened: aioboto3.Session, config: Config
) -> AsyncIterator[dict[str, Client]]:
    """Open a client of aioboto3, and one of each transport."""
    url = config.dynamodb.endpoint_url
    plain = AioConfig(
        connect_timeout=config.dynamodb.connect_timeout_s,
        read_timeout=config.dynamodb.read_timeout_s,
        max_pool_connections=config.server.max_in_flight,
        retries={"mode": "standard", "total_max_attempts": 3},
        user_agent="user-profile-service",
    )
    async with AsyncExitStack() as stack:
        # The retries of the service differ in these three respects alone.
        stack.enter_context(patch.object(retries, "MAX_LOST_RESPONSES", 3))
        stack.enter_context(patch.object(retries, "CAPACITY", RetryQuota.INITIAL_CAPACITY))
        stack.enter_context(patch.object(retries.RetryBudget, "_NO_RETRY_INCREMENT", 1))
        botocores = opened.client("dynamodb", endpoint_url=url, config=plain)
        clients: list[Client] = [await stack.enter_async_context(botocores)]
        for transport in ("botocore", "fast"):
            chosen = configured({"aws.dynamodb": _entries(config, transport)}, BREAKER_OFF)
            client = dynamodb_client(opened, chosen, UpstreamTelemetry(Metrics()))
            clients.append(await stack.enter_async_context(client))
        yield dict(zip(NAMES, clients, strict=True))


def _entries(config: Config, transport: str) -> dict[str, str]:
    dynamodb = config.dynamodb
    return {
        "endpoint-url": dynamodb.endpoint_url or "",
        "connect-timeout-s": str(dynamodb.connect_timeout_s),
        "read-timeout-s": str(dynamodb.read_timeout_s),
        "transport": transport,
    }


async def outcome(call: Call, client: Client) -> object:
    """Return the result of a call, or all attributes of its error that a caller can see."""
    random.seed(PAUSES_ALMOST_NONE)
    try:
        return await call(client)
    except Exception as error:  # noqa: BLE001 -- all errors are compared
        kinds = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__]
        response = getattr(error, "response", None)
        return kinds, str(error), response, getattr(error, "operation_name", None)


async def seen(call: Call, client: Client, server: ScriptedAws, *answers: bytes | None) -> Seen:
    """Return what was seen of a call to whose attempts *server* sends *answers* in turn."""
    server.plan(*answers)
    result = await outcome(call, client)
    return Seen([*server.requests], [_steady(head) for head in server.heads], result)


def _steady(head: dict[str, str]) -> dict[str, str]:
    """
    Return headers without what changes with each call: time, signature and invocation id.

    The length differs by botocore's blanks in the body; `Seen.attempts` has the body itself.
    """
    signed = head.get("authorization", "").rpartition("Signature=")[0]
    changing = ("x-amz-date", "amz-sdk-invocation-id", "content-length")
    return {**head, "authorization": signed, **dict.fromkeys(head.keys() & {*changing}, "…")}


def botocores_authorization(
    url: str, head: dict[str, str], body: bytes, credentials: ReadOnlyCredentials
) -> str:
    """Return the Authorization header of botocore's signer for a request, at its time."""
    auth = SigV4Auth(credentials, "dynamodb", "us-east-1")
    sent = {name: head[name] for name in _signed_names(head) if name != "host"}
    request = AWSRequest("POST", url, headers=sent, data=body)
    request.context["timestamp"] = head["x-amz-date"]
    to_sign = auth.string_to_sign(request, auth.canonical_request(request))
    signed = auth.signed_headers(auth.headers_to_sign(request))
    return (
        f"AWS4-HMAC-SHA256 Credential={auth.scope(request)}, "
        f"SignedHeaders={signed}, Signature={auth.signature(to_sign, request)}"
    )


def _signed_names(head: dict[str, str]) -> list[str]:
    return head["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
