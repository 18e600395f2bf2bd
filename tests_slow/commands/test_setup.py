"""`setup` as a program."""

import json
from collections.abc import Mapping
from pathlib import Path

from tests_slow.commands.running import run


async def test_program_prints_the_ids_and_logs_elsewhere(
    tmp_path: Path, name: str, placed: Mapping[str, str]
) -> None:
    """Standard output holds the settings and nothing else; the log goes to standard error."""
    environ = {**placed, "AWS_DYNAMODB_USER_PROFILE_TABLE": f"{name}-program"}
    arguments = ("setup", "--table-stream", "--user-pool", f"{name}-program", "--write", "ids.ini")
    ended = await run(*arguments, folder=tmp_path, environ=environ, measured=True)

    assert ended.status == 0
    assert ended.output == (tmp_path / "ids.ini").read_text(encoding="utf-8")
    events = {json.loads(line)["event"] for line in ended.errors.splitlines()}
    assert events >= {"table_created", "table_stream", "user_pool_created", "client_created"}
