"""What botocore tells AWS about the attempts of a call, in the headers `amz-sdk-…`."""

import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from botocore.auth import SIGV4_TIMESTAMP

HTTP_DATE = "%a, %d %b %Y %H:%M:%S %Z"


def begin(context: dict[str, Any], attempt: int, answered_at: str | None) -> None:
    """
    Note in the *context* of a call that an attempt begins.

    *answered_at* is the Date of the answer to the attempt before, None where none came. From it AWS
    is told by its own clock until when this side waits.
    """
    told = context.setdefault("retries", {})
    told["attempt"] = attempt
    told.setdefault("invocation-id", str(uuid.uuid4()))
    if answered_at is not None:
        with suppress(ValueError, OverflowError):  # a date of another form
            waits = timedelta(seconds=context["client_config"].read_timeout)
            until = datetime.strptime(answered_at, HTTP_DATE) + waits  # noqa: DTZ007 -- in GMT, as all of HTTP
            told["ttl"] = until.strftime(SIGV4_TIMESTAMP)


def headers(context: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that tell of the attempt that has begun."""
    told = context["retries"]
    parts = [f"{name}={told[name]}" for name in ("ttl", "attempt", "max") if name in told]
    return {"amz-sdk-invocation-id": told["invocation-id"], "amz-sdk-request": "; ".join(parts)}
