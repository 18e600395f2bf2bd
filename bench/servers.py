"""The programs: the stubs, this service in several configurations, the floor, and the peers."""

import functools
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import tokens, toolchains
from bench.process import Program
from bench.stubs.dynamodb import OTHER_TABLE, SERVICE_TABLE
from bench.toolchains import Peer

ROOT: Final = Path(__file__).parent.parent

FLOOR: Final = "floor"
SERVICE: Final = "service"
SERVICE_BEHIND_BALANCER: Final = "service, alb"
SERVICE_FOR_LOGINS: Final = "service, logins"
SERVICE_UNGATHERED: Final = "service, each read alone"
SERVICE_OF_MANY: Final = "service, many users"


def _in_python(module: str, *needs: str) -> Peer:
    command = (sys.executable, "-m", f"bench.peers.{module}")
    return Peer(command, functools.partial(toolchains.require_modules, *needs))


PEERS: Final[Mapping[str, Peer]] = {  # by name in the table
    "Go + AWS SDK v2": Peer((str(toolchains.GO_PROGRAM),), toolchains.build_go),
    "Fastify + AWS SDK v3": Peer(("node", str(toolchains.NODE_PROGRAM)), toolchains.install_node),
    "FastAPI + boto3": _in_python("fastapi_boto3", "fastapi", "uvicorn", "boto3"),
    "FastAPI + aioboto3": _in_python("fastapi_aioboto3", "fastapi", "uvicorn", "aioboto3"),
    "aiohttp + aioboto3": _in_python("aiohttp_aioboto3", "aioboto3"),
    "aiohttp + aiodynamo": _in_python("aiohttp_aiodynamo", "aiodynamo"),
}

# The limits are enforced, but too high to be reached.
UNREACHED_LIMITS: Final = {
    "LIMITS_SIGN_IN_PER_S": "100000",
    "LIMITS_ADDRESS_BURST": "100000",
    "LIMITS_ADDRESS_PER_S": "100000",
    "LIMITS_ACCOUNT_BURST": "100000",
    "LIMITS_ACCOUNT_PER_MIN": "100000",
}


@dataclass(frozen=True, slots=True)
class Addresses:
    """The URLs of the stubs."""

    dynamodb: str
    cognito: str
    key_server: str


def stub(name: str, *arguments: str) -> Program:
    """Return a stub by the name of its module; it prints the port that it binds."""
    command = (sys.executable, "-m", f"bench.stubs.{name}", *arguments)
    return Program(f"stub {name}", command, _environ())


def service(name: str, port: int, behind: Addresses, settings: Mapping[str, str]) -> Program:
    """Return this service as `serve` runs it, with *settings* besides the necessary ones."""
    environ = {
        "SERVER_HOST": "127.0.0.1",
        "SERVER_PORT": str(port),
        **_to_aws(behind),
        **settings,
    }
    return Program(name, (sys.executable, "-m", "service", "serve"), _environ(environ))


def services(behind: Addresses) -> dict[str, Mapping[str, str]]:
    """Return the settings of each configuration of this service; the first is the default."""
    return {
        SERVICE: {},
        SERVICE_BEHIND_BALANCER: _behind_balancer(behind),
        SERVICE_FOR_LOGINS: UNREACHED_LIMITS,
        SERVICE_UNGATHERED: {"AWS_DYNAMODB_BATCHED_READS": "0"},
        SERVICE_OF_MANY: {"AWS_DYNAMODB_SORT_KEY_CACHE_SIZE": "10000000"},  # all of them are known
    }


def token_checks(behind: Addresses, authorization: str, data: str, sub: str) -> Program:
    """Return the program that times repeated checks of an access token and of a load balancer's."""
    command = (sys.executable, "-m", "bench.token_checks", authorization, data, sub)
    environ = {**_to_aws(behind), **_behind_balancer(behind)}
    return Program("token checks", command, _environ(environ))


def program(name: str, port: int, behind: Addresses) -> Program:
    """Return the server with that name, on a free port."""
    settings = services(behind).get(name)
    if settings is not None:
        return service(name, port, behind, settings)
    floor = (sys.executable, "-m", "bench.peers.floor")
    environ = {
        "PATH": os.environ.get("PATH", os.defpath),  # where node is
        "NODE_NO_WARNINGS": "1",  # the SDK's about versions of Node that it will not support
        "PORT": str(port),
        "AWS_DEFAULT_REGION": tokens.REGION,
        "DYNAMODB_ENDPOINT_URL": behind.dynamodb,
        "TABLE": OTHER_TABLE,
    }
    return Program(name, floor if name == FLOOR else PEERS[name].command, _environ(environ))


def free_port() -> int:
    """Return a port of loopback on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _to_aws(behind: Addresses) -> dict[str, str]:
    """Return the AWS settings of the service."""
    return {
        "AWS_REGION": tokens.REGION,
        "AWS_COGNITO_USER_POOL_ID": tokens.POOL,
        "AWS_COGNITO_CLIENT_ID": tokens.CLIENT,
        "AWS_COGNITO_ENDPOINT_URL": behind.cognito,
        "AWS_DYNAMODB_ENDPOINT_URL": behind.dynamodb,
        "AWS_DYNAMODB_USER_PROFILE_TABLE": SERVICE_TABLE,
    }


def _behind_balancer(behind: Addresses) -> dict[str, str]:
    """Return the settings for a load balancer that authenticates users."""
    return {
        "IDENTITY_SOURCES": "alb bearer",
        "IDENTITY_ALB_ARN": tokens.ARN,
        "IDENTITY_ALB_CLIENT_ID": tokens.CLIENT,
        "IDENTITY_ALB_KEY_URL": f"{behind.key_server}/",
    }


def _environ(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment without the machine's AWS settings."""
    return {
        "PATH": os.defpath,
        "PYTHONPATH": str(ROOT),
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        **(more or {}),
    }
