"""What an operator can do about the failures of AWS calls whose causes are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from service.aws.failure_causes import CAUSES, WITHOUT_RESPONSE, Cause
from service.domain.values.json_values import drop_none

MAX_MESSAGE_CHARACTERS: Final = 300


@dataclass(frozen=True, slots=True)
class AwsResource:
    """The table or the app client that calls are about."""

    upstream: str
    region: str
    table: str | None = None
    client_id: str | None = None

    def log_fields(self) -> dict[str, str]:
        """Return the fields that name it in the log."""
        ids = drop_none({"table": self.table, "client_id": self.client_id})
        return {"upstream": self.upstream, "region": self.region, **ids}


def known_cause(error: Exception, upstream: str | None = None) -> Cause | None:
    """Return the cause of a failed call, or None if it is not known."""
    if isinstance(error, ClientError):
        code, message = error.response.get("Error", {}).get("Code"), message_of(error)
        for cause in CAUSES:
            is_its = cause.upstream is None or upstream is None or cause.upstream == upstream
            says_it = cause.message is None or cause.message.search(message)
            if cause.code == code and is_its and says_it:
                return cause
    if isinstance(error, BotoCoreError):
        for kind, cause in WITHOUT_RESPONSE:
            if isinstance(error, kind):
                return cause
    return None


def advice_for(error: Exception, upstream: str | None = None, *, default: str = "") -> str:
    """Return what to do about a failed call; *default* if its cause is not known."""
    cause = known_cause(error, upstream)
    return cause.advice if cause else default


def code_of(error: ClientError) -> str:
    """Return the code of an error response; empty without one."""
    return str(error.response.get("Error", {}).get("Code", ""))


def code_and_message(error: ClientError) -> str:
    """Return the code and the message of an error response as one line."""
    return f"{code_of(error)}: {message_of(error)}"


def message_of(error: ClientError) -> str:
    """Return the message of an error response: one line of at most MAX_MESSAGE_CHARACTERS."""
    message: Any = error.response.get("Error", {}).get("Message")
    return one_line(message) if isinstance(message, str) else ""


def one_line(text: str) -> str:
    """Return the first MAX_MESSAGE_CHARACTERS of a text; a space replaces what is not printable."""
    start = text[:MAX_MESSAGE_CHARACTERS]
    return "".join(each if each.isprintable() else " " for each in start)
