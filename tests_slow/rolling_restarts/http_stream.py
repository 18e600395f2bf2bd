"""HTTP/1.1 messages on a connection, as far as the load balancer and its clients need them."""

import asyncio
from dataclasses import dataclass


class NoMessage(Exception):
    """The connection ended before the message was complete."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or a response: its start line, its fields with lower-case names, its body."""

    first: str
    fields: dict[str, str]
    body: bytes

    @property
    def status(self) -> int:
        """The status of a response."""
        return int(self.first.split(" ")[1])

    @property
    def closes(self) -> bool:
        """Return whether its sender will close the connection."""
        return self.fields.get("connection", "").lower() == "close"

    def __bytes__(self) -> bytes:
        """Return its bytes for a persistent connection."""
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
