"""What only more rights than the service's can see of the table."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from service.deployment_checks.permissions import CannotCheck, asked
from service.deployment_checks.results import CheckResult, NamedCheck
from service.deployment_checks.table_probes import IMPOSSIBLE, PROBE_KEY, outcome_of
from service.profile_store import items

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from types_aiobotocore_dynamodb import DynamoDBClient

    from service.deployment_checks.table_probes import TableAddress

    Check = Callable[[DynamoDBClient, TableAddress], Awaitable[CheckResult]]

TTL: Final = NamedCheck(1, "table TTL")
BACKUPS: Final = NamedCheck(1, "table backups")
PROTECTION: Final = NamedCheck(1, "table deletion protection")
EXCESS: Final = NamedCheck(4, "no other rights")


async def describe_table(client: DynamoDBClient, table: TableAddress) -> list[CheckResult]:
    """Return what DynamoDB says of the table."""
    checks: tuple[Check, ...] = (_time_to_live, _protection, _backups)
    return await asyncio.gather(*(_result(check(client, table)) for check in checks))


async def _result(check: Awaitable[CheckResult]) -> CheckResult:
    try:
        return await check
    except CannotCheck as cannot:
        return cannot.result


async def _time_to_live(client: DynamoDBClient, table: TableAddress) -> CheckResult:
    answer: Any = await asked(
        client.describe_time_to_live(TableName=table.name),
        TTL,
        right="dynamodb:DescribeTimeToLive",
    )
    found = answer["TimeToLiveDescription"]
    attribute = found.get("AttributeName")
    enabled = found.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
    if enabled and attribute == items.EXPIRES_AT:
        return TTL.ok(f"deleted profiles expire by {attribute}")
    command = (
        f"aws dynamodb update-time-to-live --region {table.region} --table-name {table.name} "
        "--time-to-live-specification"
    )
    if enabled:
        return TTL.wrong(
            f"Items expire by {attribute}: what is left of deleted profiles stays for ever.",
            "If no other program needs it, switch it off, and an hour later on again:\n"
            f"{command} Enabled=false,AttributeName={attribute}\n"
            f"{command} Enabled=true,AttributeName={items.EXPIRES_AT}",
        )
    return TTL.wrong(
        "TTL is off: what is left of deleted profiles stays for ever.",
        f"Switch it on:\n{command} Enabled=true,AttributeName={items.EXPIRES_AT}",
    )


async def _protection(client: DynamoDBClient, table: TableAddress) -> CheckResult:
    answer = await asked(
        client.describe_table(TableName=table.name),
        PROTECTION,
        right="dynamodb:DescribeTable",
    )
    if answer["Table"].get("DeletionProtectionEnabled", False):
        return PROTECTION.ok("on")
    return PROTECTION.ok(
        "Off: one call deletes all profiles.",
        "Switch it on:\n"
        f"aws dynamodb update-table --region {table.region} --table-name {table.name} "
        "--deletion-protection-enabled",
    )


async def _backups(client: DynamoDBClient, table: TableAddress) -> CheckResult:
    answer: Any = await asked(
        client.describe_continuous_backups(TableName=table.name),
        BACKUPS,
        right="dynamodb:DescribeContinuousBackups",
    )
    recovery = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    if recovery.get("PointInTimeRecoveryStatus") == "ENABLED":
        return BACKUPS.ok("point-in-time recovery is on")
    return BACKUPS.ok(
        "Point-in-time recovery is off.",
        "Switch it on:\n"
        f"aws dynamodb update-continuous-backups --region {table.region} --table-name {table.name} "
        "--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true",
    )


async def check_excess_rights(client: DynamoDBClient, table: TableAddress) -> CheckResult:
    """Return whether the credentials may delete or scan, which the service never does."""
    condition: Any = {"Key": PROBE_KEY, "ConditionExpression": IMPOSSIBLE}
    outcomes = {
        "dynamodb:DeleteItem": await outcome_of(
            client.delete_item(TableName=table.name, **condition)
        ),
        "dynamodb:Scan": await outcome_of(client.scan(TableName=table.name, Limit=1)),
    }
    if any(not outcome.answered for outcome in outcomes.values()):
        return EXCESS.unknown("DynamoDB did not answer.")
    allowed = [right for right, outcome in outcomes.items() if not outcome.denied]
    if not allowed:
        return EXCESS.ok(f"{' and '.join(outcomes)} are denied")
    return EXCESS.ok(
        f"These credentials have {' and '.join(allowed)}, which the service never uses.",
        "If they are the role of the service, reduce its policy to this:\n" + table.grant,
    )
