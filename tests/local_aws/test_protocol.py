"""Every answer is JSON with an error type, whatever breaks."""

import asyncio
import json
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from moto.cognitoidp.responses import CognitoIdpResponse
from moto.core.utils import camelcase_to_underscores

from local_aws.cognito.operations import OPERATIONS
from local_aws.cognito.shapes import check, operation_names
from local_aws.server import LocalAws
from tests.local_aws.support import Harness, refusal, refusal_type

DYNAMODB = {
    "Authorization": (
        "AWS4-HMAC-SHA256 Credential=local/20261123/eu-central-1/dynamodb/aws4_request,"
        " SignedHeaders=host, Signature=0"
    ),
    "Content-Type": "application/x-amz-json-1.0",
}
CLIENT_ID = "at 'clientId' failed to satisfy constraint: Member must"


def _post(aws: LocalAws, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(aws.endpoint_url, data=body, headers=headers)  # noqa: S310 -- ours
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 -- ours
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


async def _call(aws: LocalAws, operation: str, body: str) -> tuple[int, dict[str, Any]]:
    target = f"AWSCognitoIdentityProviderService.{operation}"
    headers = {
        "Authorization": DYNAMODB["Authorization"].replace("dynamodb", "cognito-idp"),
        "X-Amz-Target": target,
        "Content-Type": "application/x-amz-json-1.1",
    }
    return await asyncio.to_thread(_post, aws, headers, body.encode())


@pytest.mark.parametrize("operation", ["GetSigningCertificate", "SetUserSettings"])
async def test_operation_that_moto_lacks_is_named(harness: Harness, operation: str) -> None:
    """A client sees at once what the local Cognito lacks."""
    calls = {
        "GetSigningCertificate": harness.cognito.get_signing_certificate(UserPoolId="eu_1"),
        "SetUserSettings": harness.cognito.set_user_settings(AccessToken="x", MFAOptions=[]),
    }
    wanted = calls.pop(operation)
    for unused in calls.values():
        unused.close()
    assert await refusal(wanted) == (
        "UnsupportedOperationException",
        f"The local Cognito does not implement {operation}.",
    )


async def test_operation_that_nobody_knows_is_named(aws: LocalAws) -> None:
    """An operation of a newer model is refused in the same way."""
    status, answer = await _call(aws, "InventUser", "{}")
    assert (status, answer["__type"]) == (400, "UnsupportedOperationException")


@pytest.mark.parametrize(
    "body",
    [
        "no json",
        "[]",
        '{"ClientId": 1, "AuthFlow": "CUSTOM_AUTH"}',
        '{"ClientId": "x", "AuthFlow": "CUSTOM_AUTH", "AuthParameters": []}',
        '{"ClientId": "x", "AuthFlow": "CUSTOM_AUTH", "ClientMetadata": {"locale": 1}}',
    ],
    ids=["text", "list", "number", "no map", "metadata"],
)
async def test_body_of_the_wrong_form_is_refused(aws: LocalAws, body: str) -> None:
    """A body is one JSON object with members of their types."""
    status, answer = await _call(aws, "InitiateAuth", body)
    assert (status, answer["__type"]) == (400, "SerializationException")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"ClientId": None},
            "null at 'clientId' failed to satisfy constraint: Member must not be null",
        ),
        (
            {"ClientId": ""},
            (
                f"{CLIENT_ID} have length greater than or equal to 1; Value {CLIENT_ID} satisfy regular"
                r" expression pattern: [\w+]+"
            ),
        ),
        (
            {"ClientId": "x" * 129},
            f"{CLIENT_ID} have length less than or equal to 128",
        ),
        (
            {"ClientId": "a b"},
            rf"{CLIENT_ID} satisfy regular expression pattern: [\w+]+",
        ),
        (
            {"ClientId": "x", "AnalyticsMetadata": {"AnalyticsEndpointId": 1}},
            "Start of string expected at 'analyticsMetadata.analyticsEndpointId'",
        ),
    ],
    ids=["null", "short", "long", "pattern", "type"],
)
async def test_parameter_out_of_bounds_is_refused(
    aws: LocalAws, body: dict[str, Any], message: str
) -> None:
    """The service model's constraints hold, and the refusal says which one was broken."""
    _, answer = await _call(aws, "SignUp", json.dumps({"Username": "x", **body}))
    errors = "2 validation errors" if ";" in message else "1 validation error"
    assert answer["message"].removeprefix(f"{errors} detected: Value ") == message


async def test_value_outside_an_enumeration_is_refused(aws: LocalAws) -> None:
    """What is not in the list is not accepted, in lists of lists neither."""
    _, answer = await _call(aws, "CreateUserPool", '{"PoolName": "x", "MfaConfiguration": "BOGUS"}')
    assert answer["message"].startswith("1 validation error detected: Value 'BOGUS' at 'mfaC")
    body = {"UserPoolId": "eu_x", "ClientName": "x", "ExplicitAuthFlows": ["BOGUS"]}
    _, answer = await _call(aws, "CreateUserPoolClient", json.dumps(body))
    assert "'BOGUS' at 'explicitAuthFlows.1.member'" in answer["message"]


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
async def test_empty_request_is_refused(aws: LocalAws, operation: str) -> None:
    """No operation breaks on a request without parameters."""
    status, answer = await _call(aws, operation, "{}")
    assert (status, answer["__type"]) == (400, "InvalidParameterException")


async def test_defect_of_moto_is_an_internal_error(harness: Harness) -> None:
    """Where moto breaks the client gets the service's own error, and the cause."""
    added = harness.cognito.add_custom_attributes(
        UserPoolId=harness.apps["public"].pool_id, CustomAttributes=[{}]
    )
    assert await refusal(added) == (
        "InternalErrorException",
        "AddCustomAttributes: KeyError('Name')",
    )


async def test_operation_that_only_the_model_knows_is_named(harness: Harness) -> None:
    """The model lists more operations than moto has."""
    started = harness.cognito.start_user_import_job(UserPoolId="eu_x", JobId="import-x")
    assert await refusal_type(started) == "UnsupportedOperationException"


def test_unsupported_operations_are_documented() -> None:
    """The page lists every operation of the service model that nothing implements, and no other."""
    page = (Path(__file__).parents[2] / "docs/local-aws.md").read_text(encoding="utf-8")
    sentence = page.partition("refused with `UnsupportedOperationException`: ")[2].partition(".\n")[
        0
    ]
    known = {camelcase_to_underscores(name): name for name in operation_names()}
    missing = {
        name
        for own, name in known.items()
        if name not in OPERATIONS and not hasattr(CognitoIdpResponse, own)
    }
    assert {*re.findall(r"`(\w+)`", sentence)} == missing


def test_blob_is_a_string_in_json() -> None:
    """Every type of the service model has its form in JSON."""
    assets = [{"Category": "FORM_LOGO", "ColorMode": "LIGHT", "Extension": "PNG", "Bytes": "aGk="}]
    parameters = {"UserPoolId": "eu_x", "ClientId": "x", "Assets": assets}
    assert check("CreateManagedLoginBranding", parameters) == parameters


async def test_defect_of_another_service_is_json_too(aws: LocalAws) -> None:
    """DynamoDB's errors are JSON, also those that moto does not foresee."""
    headers = DYNAMODB | {"X-Amz-Target": "DynamoDB_20120810.PutItem"}
    status, answer = await asyncio.to_thread(_post, aws, headers, b"{}")
    assert (status, answer["__type"]) == (500, "InternalServerError")


async def test_operation_that_another_service_lacks_is_named(aws: LocalAws) -> None:
    """What moto's DynamoDB lacks is said in the same way."""
    headers = DYNAMODB | {"X-Amz-Target": "DynamoDB_20120810.ListGlobalTables"}
    status, answer = await asyncio.to_thread(_post, aws, headers, b"{}")
    assert (status, answer["__type"]) == (400, "UnsupportedOperationException")
    assert "list_global_tables" in answer["message"]
