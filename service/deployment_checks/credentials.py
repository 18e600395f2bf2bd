"""Whose credentials the AWS calls are made with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from service.aws.failure_advice import advice_for, code_and_message, known_cause
from service.aws.failure_causes import CREDENTIALS
from service.deployment_checks.results import CheckResult, NamedCheck

CHECK: Final = NamedCheck(4, "credentials")


class STSClient(Protocol):
    """The one call of AWS STS that is made."""

    async def get_caller_identity(self) -> dict[str, Any]:
        """Return UserId, Account and Arn."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The account of the credentials, and the role if they are those of one."""

    account: str | None = None
    role: str | None = None


async def check(sts: STSClient) -> tuple[CheckResult, Caller]:
    """Return whether there are valid credentials, and whose; everybody may ask."""
    try:
        identity = await sts.get_caller_identity()
    except ClientError as error:
        advice = advice_for(error, default="Use valid credentials.")
        return CHECK.wrong(code_and_message(error), advice), Caller()
    except BotoCoreError as error:
        cause = known_cause(error)
        name = type(error).__name__
        if cause is not None and cause.setting == CREDENTIALS:
            return CHECK.wrong(f"No credentials: {name}.", cause.advice), Caller()
        return CHECK.unknown(f"AWS STS did not answer: {name}.", advice_for(error)), Caller()
    arn = identity["Arn"]
    kind, _, name = arn.rpartition(":")[2].partition("/")
    role = name.partition("/")[0] if kind == "assumed-role" else None
    return CHECK.ok(arn), Caller(identity["Account"], role)
