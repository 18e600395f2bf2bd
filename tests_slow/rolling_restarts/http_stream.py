"""As much of HTTP/1.1 as a balancer and its clients need: one message after another on a connection."""

import asyncio
from dataclasses import dataclass


class NoMessage(Exception):
    """The connection ended before there was a whole message."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer: its first line, its fields with names in lower case, its body."""

    first: str
    fields: dict[str, str]
    body: bytes

    @property
    def status(self) -> int:
        """The status, where it is an answer."""
        return int(self.first.split(" ")[1])

    @property
    def closes(self) -> bool:
        """Tell whether its sender will close the connection."""
        return self.fields.get("connection", "").lower() == "close"

    def __bytes__(self) -> bytes:
        """Return it as it is sent, on a connection that is kept."""
        fields = {name: value for name, value in self.fields.items() if name != "connection"}
        lines = [self.first, *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        return "\r\n".join(lines).encode("latin-1") + self.body


async def received(reader: asyncio.StreamReader) -> Message:
    """Return the next message; raises NoMessage."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip().split("\r\n")
        pairs = (line.split(": ", 1) for line in lines)
        fields = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(fields.get("content-length", "0")))
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise NoMessage from error
    return Message(first, fields, body)
