"""The service exports its spans, the last of them before it ends."""

import json
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from local_aws.server import LocalAws
from tests.tracing.collector import collector
from tests_slow.commands.running import running

W3C = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("workers", [1, 2])
async def test_spans_are_sent_before_the_end(
    own_local_aws: LocalAws, tmp_path: Path, workers: int
) -> None:
    """Each worker exports its spans; the log and the span name the same trace."""
    environ = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_COGNITO_USER_POOL_ID": "us-east-1_none",
        "AWS_COGNITO_CLIENT_ID": "none",
        "AWS_COGNITO_ENDPOINT_URL": own_local_aws.endpoint_url,
        "AWS_DYNAMODB_ENDPOINT_URL": own_local_aws.endpoint_url,
        "SERVER_HOST": "127.0.0.1",
        "SERVER_PORT": "0",
        "SERVER_WORKERS": str(workers),
    }
    async with (
        collector() as collecting,
        running(
            "serve",
            folder=tmp_path,
            environ={**environ, "TRACING_OTLP_ENDPOINT": collecting.url},
            measured=True,
        ) as program,
        aiohttp.ClientSession(headers={"Connection": "close", "traceparent": W3C}) as session,
    ):
        for _ in range(workers):
            port = json.loads(await program.until('"listening"'))["port"]
        for _ in range(10):
            async with session.get(f"http://127.0.0.1:{port}/docs") as answer:
                assert answer.status == 200
        ended = await program.end(signal.SIGTERM)

    assert (ended.status, ended.errors) == (0, "")
    assert [span.name for span in collecting.spans] == ["GET /docs"] * 10
    lines: list[dict[str, Any]] = [json.loads(line) for line in ended.output.splitlines()]
    traces = {line["trace_id"] for line in lines if line["event"] == "request_finished"}
    assert traces == {span.trace for span in collecting.spans} == {W3C.split("-")[1]}
