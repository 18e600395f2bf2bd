"""Runs the commands of a page in a shell, against a service with the local AWS."""

import asyncio
import os
import re
import shlex
import shutil
import signal
import sys
import time
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import pyotp

from tests_slow.commands.running import INHERITED, PATIENCE_S, Running, running
from tests_slow.documentation.page import Change, Commands, File, Step

ROOT: Final = Path(__file__).parent.parent.parent
TOOLS: Final = ("bash", "curl", "git", "jq", "openssl")
# What a reader's checkout has that the commands of pages use.
CHECKOUT: Final = (
    *("config.ini", "conftest.py", "local_aws", "pyproject.toml"),
    *("service", "setup.cfg", "tests", "tools"),
)
# The addresses that pages write, by what `make run` calls the servers.
SHOWN: Final = {
    "API": "http://localhost:8080",
    "load balancer": "http://localhost:8081",
    "local AWS": "http://127.0.0.1:8082",
}
# What readers replace: by a code of their authenticator app, and by the client that `make run` prints.
APP_CODE: Final = "APP_CODE=000000"
APP_CLIENT: Final = "CLIENT=ID:SECRET"

_START: Final = re.compile(r"((?:[A-Z_]+=\S+ )*)make run( FRESH=1)?\n")
_LISTENING: Final = re.compile(r"\b(API|load balancer|local AWS) listens on (http://[^\s,:]+:\d+)")
_CLIENT: Final = re.compile(r"-u '(\w+:\w+)' -d grant_type=client_credentials")
_END: Final = "--- end of a block ---"


class Server:
    """`make run` on a free port, which it keeps when it starts again."""

    def __init__(self, stack: AsyncExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self.addresses: tuple[str, ...] = ()
        self.program: Running | None = None

    async def start(self, environ: Mapping[str, str], *options: str) -> None:
        """Start it with settings; what ran before is ended as by Ctrl-C."""
        port = self.addresses[0].rpartition(":")[2] if self.addresses else "0"
        if self.program:
            await self.program.end(signal.SIGINT)
        environ = {"SERVER_PORT": port, **environ}
        self.program = program = await self._stack.enter_async_context(
            running("local", *options, folder=self._folder, environ=environ)
        )
        await program.until("Ctrl-C ends it")
        listening = dict(_LISTENING.findall("".join(program.lines)))
        self.addresses = tuple(listening[name] for name in SHOWN)

    def client(self) -> str:
        """Return the id and the secret of the app client for other services."""
        found = _CLIENT.search(self.printed())
        assert found is not None
        return found[1]

    def printed(self) -> str:
        """Return what it has printed."""
        assert self.program is not None
        return "".join(self.program.lines)


class Shell:
    """A shell in which the commands of a page run one block after the other, as a reader types them."""

    def __init__(self, process: Process, server: Server, folder: Path) -> None:
        self._process = process
        self._server = server
        self._folder = folder
        self._app_codes = 0

    async def run(self, step: Step) -> str:
        """Return what a step prints, with the addresses of the page in place of the real ones."""
        match step:
            case Commands():
                return self._shown(await self._commands(step.text))
            case Change():
                (self._folder / ".diff").write_text(step.text, encoding="utf-8")
                return await self._evaluate("git apply .diff")
            case File():
                (self._folder / step.path).write_text(step.text, encoding="utf-8")
                return ""

    async def _commands(self, commands: str) -> str:
        if start := _START.fullmatch(commands):
            environ = dict(each.split("=", 1) for each in start[1].split())
            await self._server.start(environ, *(("--fresh",) if start[2] else ()))
            return self._server.printed()
        if not self._server.program:
            await self._server.start({})
        if APP_CODE in commands:
            secret = (await self._evaluate('printf %s "$SECRET"')).strip()
            commands = commands.replace(APP_CODE, f"APP_CODE={self._app_code(secret)}")
        if APP_CLIENT in commands:
            commands = commands.replace(APP_CLIENT, f"CLIENT={self._server.client()}")
        for shown, real in zip(SHOWN.values(), self._server.addresses, strict=True):
            commands = commands.replace(shown, real)
        return await self._evaluate(commands)

    def _shown(self, printed: str) -> str:
        for shown, real in zip(SHOWN.values(), self._server.addresses, strict=True):
            printed = printed.replace(real, shown)
        return printed.replace("\r\n", "\n")

    async def _evaluate(self, commands: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = f"eval {shlex.quote(commands)} </dev/null\nprintf '\\n{_END}\\n'\n"
        self._process.stdin.write(line.encode())
        async with asyncio.timeout(PATIENCE_S):
            printed = await self._process.stdout.readuntil(f"\n{_END}\n".encode())
        return printed.decode().removesuffix(f"\n{_END}\n")

    def _app_code(self, secret: str) -> str:
        # Each code is accepted once, and so is that of the next 30 s.
        at = time.time() + 30 * self._app_codes  # noqa: TID251 -- the local AWS reads the same clock
        self._app_codes += 1
        return pyotp.TOTP(secret).at(at)


@asynccontextmanager
async def shell(folder: Path) -> AsyncIterator[Shell]:
    """
    Start a shell in *folder*, which becomes a copy of the repository.

    `make run` begins with the first step that calls it, or with the first other command.
    """
    assert [tool for tool in TOOLS if not shutil.which(tool)] == []
    for name in CHECKOUT:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    inherited = {name: os.environ[name] for name in os.environ if name.startswith(INHERITED)}
    environ = {**inherited, "PATH": os.environ["PATH"], "HOME": str(folder)}
    async with AsyncExitStack() as stack:
        server = Server(stack, folder)
        process = await asyncio.create_subprocess_exec(
            "bash", stdin=PIPE, stdout=PIPE, stderr=STDOUT, cwd=folder, env=environ, limit=2**20
        )
        try:
            yield Shell(process, server, folder)
        finally:
            process.kill()
            await process.communicate()
