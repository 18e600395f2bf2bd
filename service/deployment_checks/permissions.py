"""Checks that need more rights than the service has."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from service.aws.failure_advice import known_cause, message_of
from service.deployment_checks.results import CheckResult, unknown

Answer = TypeVar("Answer")

DENIED = frozenset({"AccessDeniedException", "AccessDenied"})


class CannotCheck(Exception):
    """A check could not be made; *result* says why."""

    def __init__(self, result: CheckResult) -> None:
        super().__init__(result.detail)
        self.result = result


class NotFound(CannotCheck):
    """What was to be described does not exist."""


async def asked(call: Awaitable[Answer], *, step: int, name: str, right: str) -> Answer:
    """
    Return the answer to a call that needs *right*.

    Raises NotFound, and CannotCheck without the right or an answer.
    """
    try:
        return await call
    except ClientError as error:
        if _code(error) in DENIED:
            advice = f"Run doctor with the rights of a person, {right} among them."
            result = unknown(step, name, f"needs the right {right}", advice, optional=True)
            raise CannotCheck(result) from error
        kind = NotFound if _code(error) == "ResourceNotFoundException" else CannotCheck
        raise kind(unknown(step, name, message_of(error))) from error
    except BotoCoreError as error:
        cause = known_cause(error)
        detail = f"AWS did not answer: {type(error).__name__}"
        raise CannotCheck(unknown(step, name, detail, cause.advice if cause else "")) from error


def _code(error: ClientError) -> str | None:
    return error.response.get("Error", {}).get("Code")
