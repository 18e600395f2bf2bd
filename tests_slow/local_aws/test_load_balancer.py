"""`local` brings the local load balancer along."""

import re
import signal
from pathlib import Path

import aiohttp

from tests.support.accounts import PASSWORD
from tests_slow.commands.running import running


async def test_local_serves_the_signed_path(tmp_path: Path) -> None:
    """`local` prints a line that shows the profile by name and password; Ctrl-C ends both at once."""
    environ = {"SERVER_PORT": "0", "AWS_REGION": "eu-west-1", "IDENTITY_ALB_CLIENT_ID": "of-work"}
    account = {"username": "alice", "password": PASSWORD}
    async with (
        running("local", folder=tmp_path, environ=environ) as program,
        aiohttp.ClientSession() as session,
    ):
        signed = await program.until(" -u 'alice:")
        await program.until("Ctrl-C ends it")
        match = re.fullmatch(
            r"curl -s -w '\\n' -u 'alice:YourPass123!' (http://localhost:\d+)(/\S+)\n", signed
        )
        assert match is not None
        url, path = match.groups()
        await (await session.post(f"{url}/api/auth/signup", json=account)).read()
        code = (await program.until("code for alice: ")).split()[-1]
        confirm = {"username": "alice", "code": code}
        await (await session.post(f"{url}/api/auth/confirm", json=confirm)).read()
        headers = {"Authorization": aiohttp.encode_basic_auth("alice", PASSWORD)}
        async with session.post(url + path, json={"city": "Mumbai"}, headers=headers) as answer:
            assert answer.status == 201
        async with session.get(url + path, headers=headers) as answer:
            assert (await answer.json())["city"] == "Mumbai"
        await program.until("identity_source=alb")
        ended = await program.end(signal.SIGINT)

    assert (ended.status, ended.errors) == (0, "")
    assert ended.took_s < 5
