"""Checks that need more rights than the service has."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from service.aws.failure_advice import advice_for, code_of, message_of
from service.deployment_checks.results import CheckResult, NamedCheck

Answer = TypeVar("Answer")

DENIED = frozenset({"AccessDeniedException", "AccessDenied"})


class CannotCheck(Exception):
    """A check could not be made; *result* says why."""

    def __init__(self, result: CheckResult) -> None:
        super().__init__(result.detail)
        self.result = result


class NotFound(CannotCheck):
    """What was to be described does not exist."""


async def asked(call: Awaitable[Answer], check: NamedCheck, *, right: str) -> Answer:
    """
    Return the answer to a call of *check* that needs *right*.

    Raises NotFound, and CannotCheck without the right or an answer.
    """
    try:
        return await call
    except ClientError as error:
        if code_of(error) in DENIED:
            advice = f"Run doctor with the rights of a person, {right} among them."
            result = check.unknown(f"needs the right {right}", advice, optional=True)
            raise CannotCheck(result) from error
        kind = NotFound if code_of(error) == "ResourceNotFoundException" else CannotCheck
        raise kind(check.unknown(message_of(error))) from error
    except BotoCoreError as error:
        detail = f"AWS did not answer: {type(error).__name__}"
        raise CannotCheck(check.unknown(detail, advice_for(error))) from error
