"""Whose credentials the AWS calls are made with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from service.aws.failure_advice import known_cause, message_of
from service.deployment_checks.results import CheckResult, ok, unknown, wrong

STEP = 4
NAME = "credentials"


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
        cause = known_cause(error)
        code = error.response["Error"].get("Code", "")
        advice = cause.advice if cause else "Use valid credentials."
        return wrong(STEP, NAME, f"{code}: {message_of(error)}", advice), Caller()
    except BotoCoreError as error:
        cause = known_cause(error)
        detail = f"AWS STS did not answer: {type(error).__name__}."
        if cause is not None and cause.setting == NAME:
            return wrong(
                STEP, NAME, f"No credentials: {type(error).__name__}.", cause.advice
            ), Caller()
        return unknown(STEP, NAME, detail, cause.advice if cause else ""), Caller()
    arn = identity["Arn"]
    kind, _, name = arn.rpartition(":")[2].partition("/")
    role = name.partition("/")[0] if kind == "assumed-role" else None
    return ok(STEP, NAME, arn), Caller(identity["Account"], role)
