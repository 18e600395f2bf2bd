"""Requests that AWS requires to be signed are refused without a signature."""

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from local_aws.server import LocalAws

COGNITO = "AWSCognitoIdentityProviderService"
DYNAMODB = "DynamoDB_20120810"
UNSIGNED = "Missing Authentication Token"


def _call(aws: LocalAws, target: str, **headers: str) -> tuple[int, dict[str, Any]]:
    content = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target, **headers}
    request = urllib.request.Request(aws.endpoint_url, b"{}", content)  # noqa: S310 -- ours
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 -- ours
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


@pytest.mark.parametrize("operation", ["AdminGetUser", "CreateUserPool", "ListUsers", "Bogus"])
async def test_unsigned_call_of_an_administrator_is_refused(aws: LocalAws, operation: str) -> None:
    """Cognito takes operations of administrators with a signature only."""
    status, refused = await asyncio.to_thread(_call, aws, f"{COGNITO}.{operation}")
    assert (status, refused) == (
        400,
        {"__type": "MissingAuthenticationTokenException", "message": UNSIGNED},
    )


@pytest.mark.parametrize("operation", ["GetItem", "ListTables"])
async def test_unsigned_call_of_dynamodb_is_refused(aws: LocalAws, operation: str) -> None:
    """DynamoDB takes no unsigned request, and refuses in JSON."""
    status, refused = await asyncio.to_thread(_call, aws, f"{DYNAMODB}.{operation}")
    assert (status, refused["__type"].partition("#")[2]) == (
        400,
        "MissingAuthenticationTokenException",
    )


async def test_public_call_needs_no_signature(aws: LocalAws) -> None:
    """A user's call gets as far as the check of its parameters."""
    status, refused = await asyncio.to_thread(_call, aws, f"{COGNITO}.SignUp")
    assert (status, refused["__type"]) == (400, "InvalidParameterException")


async def test_incomplete_signature_is_named(aws: LocalAws) -> None:
    """A signature that lacks a part is refused with the part."""
    status, refused = await asyncio.to_thread(
        _call, aws, f"{DYNAMODB}.ListTables", Authorization="AWS4-HMAC-SHA256 Credential=x/y"
    )
    assert (status, refused["__type"]) == (400, "IncompleteSignatureException")
    assert (
        "'SignedHeaders' parameter. Authorization header requires 'Signature'" in refused["message"]
    )
