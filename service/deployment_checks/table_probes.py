"""
The table's keys and the service's rights on it, by calls that write nothing.

The probes use the five rights of the service alone. Those that could write have a condition that can
never hold, which DynamoDB checks after the rights and the keys.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from service.aws.failure_advice import advice_for, message_of
from service.aws.failure_causes import KEY_ADVICE
from service.circuit_breaker import UpstreamRefused
from service.deployment_checks.results import CheckResult, NamedCheck
from service.observability.upstream_calls import DYNAMODB
from service.profile_store import items

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from types_aiobotocore_dynamodb import DynamoDBClient

KEYS: Final = NamedCheck(1, "table keys")

PROBE_KEY: Final = items.key("~doctor", "~doctor")  # no `sub` looks so
IMPOSSIBLE: Final = (
    f"attribute_exists({items.PARTITION_KEY}) AND attribute_not_exists({items.PARTITION_KEY})"
)
OK: Final = "ok"
ACTIONS: Final = ("GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem")
NEEDED: Final = "userId (String) and createdAt (String)"


@dataclass(frozen=True, slots=True)
class TableAddress:
    """Where the table is; *account* and *role* are those of the credentials, if they are known."""

    name: str
    region: str
    account: str | None = None
    role: str | None = None

    @property
    def arn(self) -> str:
        """The ARN that the policy of the service's role names."""
        partition = {"cn": "aws-cn", "eusc-de": "aws-eusc", "us-gov": "aws-us-gov"}.get(
            self.region.rpartition("-")[0].rpartition("-")[0], "aws"
        )
        account = self.account or "ACCOUNT_ID"
        return f"arn:{partition}:dynamodb:{self.region}:{account}:table/{self.name}"

    @property
    def grant(self) -> str:
        """The command that gives the service's role its rights."""
        statement = {
            "Effect": "Allow",
            "Action": [f"dynamodb:{action}" for action in ACTIONS],
            "Resource": self.arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        return (
            f"aws iam put-role-policy --role-name {self.role or 'ROLE'} --policy-name user-profiles "
            f"--policy-document '{policy}'"
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a probe: OK or the code of the error, and its message."""

    code: str
    message: str = ""
    advice: str = ""
    answered: bool = True

    @property
    def passed(self) -> bool:
        """Whether the call is allowed and fits the keys of the table."""
        return self.code in (OK, "ConditionalCheckFailedException")

    @property
    def denied(self) -> bool:
        """Whether the right is missing."""
        return self.code == "AccessDeniedException"


async def outcome_of(call: Awaitable[object]) -> Outcome:
    """Return what came of a call to DynamoDB."""
    try:
        await call
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code"))
        return Outcome(code, message_of(error), advice_for(error, DYNAMODB))
    except (BotoCoreError, TimeoutError, UpstreamRefused) as error:
        # Not the message: it may repeat what was to be sent.
        return Outcome(type(error).__name__, "no answer", advice_for(error), answered=False)
    return Outcome(OK)


async def probe(client: DynamoDBClient, table: str) -> Mapping[str, Outcome]:
    """Return the outcome of each of ACTIONS; writes nothing."""
    condition: Any = {"TableName": table, "ConditionExpression": IMPOSSIBLE}
    calls = {
        "GetItem": client.get_item(TableName=table, Key=PROBE_KEY, ConsistentRead=True),
        "BatchGetItem": client.batch_get_item(RequestItems={table: {"Keys": [PROBE_KEY]}}),
        "Query": client.query(
            TableName=table,
            KeyConditionExpression="#userId = :userId",
            ExpressionAttributeNames={"#userId": items.PARTITION_KEY},
            ExpressionAttributeValues={":userId": PROBE_KEY[items.PARTITION_KEY]},
            Limit=1,
        ),
        "PutItem": client.put_item(Item=PROBE_KEY, **condition),
        "UpdateItem": client.update_item(
            Key=PROBE_KEY,
            UpdateExpression="SET #version = :version",
            ExpressionAttributeNames={"#version": items.VERSION},
            ExpressionAttributeValues={":version": {"N": "0"}},
            **condition,
        ),
    }
    outcomes = await asyncio.gather(*(outcome_of(call) for call in calls.values()))
    return dict(zip(calls, outcomes, strict=True))


def key_result(outcomes: Mapping[str, Outcome], table: TableAddress) -> CheckResult:
    """Return whether the table is there and has the keys of profiles."""
    get, query, put = (outcomes[action] for action in ("GetItem", "Query", "PutItem"))
    unanswered = next((each for each in outcomes.values() if not each.answered), None)
    if any(each.code == "ResourceNotFoundException" for each in outcomes.values()):
        return KEYS.wrong(
            f"There is no table {table.name} in {table.region}.",
            "Create it, or correct AWS_DYNAMODB_USER_PROFILE_TABLE or AWS_REGION:\n"
            f"AWS_REGION={table.region} AWS_DYNAMODB_USER_PROFILE_TABLE={table.name} "
            "python -m service setup",
        )
    found = _other_keys(get, query, put)
    if found is not None:
        return KEYS.wrong(f"The table {table.name} {found}; needed are {NEEDED}.", KEY_ADVICE)
    if unanswered is not None:
        return KEYS.unknown(f"DynamoDB did not answer: {unanswered.code}.", unanswered.advice)
    if get.passed and query.passed and put.passed:
        return KEYS.ok(f"{table.name} in {table.region} has the keys {NEEDED}.")
    failed = next(each for each in (get, query, put) if not each.passed)
    advice = "See the missing rights below." if failed.denied else failed.advice
    return KEYS.unknown(f"The keys can't be probed: {failed.code}. {failed.message}", advice)


def _other_keys(get: Outcome, query: Outcome, put: Outcome) -> str | None:
    """Return how the keys of the table differ; the messages vary, the codes do not."""
    refused = "ValidationException"
    if query.code == refused:
        return "has the keys swapped" if get.passed else "has keys of other names or types"
    if get.code == refused and put.passed:
        return "has no sort key"
    if refused in (get.code, put.code):
        return "has a key of another type"
    return None


def right_results(outcomes: Mapping[str, Outcome], table: TableAddress) -> list[CheckResult]:
    """Return whether the service has each of its rights on the table."""
    return [_right_result(action, outcome, table) for action, outcome in outcomes.items()]


def _right_result(action: str, outcome: Outcome, table: TableAddress) -> CheckResult:
    check = NamedCheck(4, f"dynamodb:{action}")
    if outcome.denied:
        return check.wrong(
            outcome.message or f"{check.name} is denied.",
            "Give the role of the service this policy, or correct the Resource of the one that it has:\n"
            + table.grant,
        )
    if not outcome.answered:
        return check.unknown(f"DynamoDB did not answer: {outcome.code}.", outcome.advice)
    if outcome.passed or outcome.code in ("ResourceNotFoundException", "ValidationException"):
        # Rights are checked before the table and its keys.
        return check.ok("allowed")
    return check.unknown(f"{outcome.code}: {outcome.message}", outcome.advice)
