"""The messages that Cognito would send by e-mail or SMS."""

import os
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

CAPACITY = 1_000  # messages; the oldest are dropped first
HIGHLIGHT, PLAIN = "\x1b[1;7m", "\x1b[0m"  # bold and inverse: visible on any background


@dataclass(frozen=True, slots=True)
class Delivery:
    """One code and its recipient."""

    user_pool_id: str
    username: str
    """As entered at sign-up; the e-mail address in pools that use it as user name."""
    purpose: str
    """One of "confirmation", "password reset", "attribute verification", "invitation", "sign-in",
    "multi-factor authentication", "custom challenge"."""
    attribute: str | None
    """What the code verifies: "email" or "phone_number"; None where the user has no address."""
    destination: str | None
    code: str
    metadata: dict[str, str] = field(default_factory=dict)
    """The ClientMetadata of the call, which AWS passes to the Lambda triggers."""


Announce = Callable[[Delivery], None]


def announce_on_console(delivery: Delivery) -> None:
    """
    Print the code on a line of its own, with the metadata of the call if it has some.

    The code is highlighted on a terminal, unless NO_COLOR is set.
    """
    metadata = ", ".join(f"{name}: {value}" for name, value in delivery.metadata.items())
    recipient, code = f"{delivery.purpose} code for {delivery.username}: ", _shown(delivery.code)
    if _has_colours():
        code = f"{HIGHLIGHT}{code}{PLAIN}"
    line = _shown(recipient) + code + _shown(f" ({metadata})" if metadata else "")
    print(line, flush=True)  # noqa: T201 -- printing is what this function is for


def _has_colours() -> bool:
    """Return whether standard output is a terminal that shows colours (https://no-color.org)."""
    environ = os.environ
    return sys.stdout.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def _shown(text: str) -> str:
    """Return text without what a terminal would interpret: users choose names and metadata."""
    return "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


@dataclass(frozen=True, slots=True)
class Outbox:
    """The newest deliveries, oldest first."""

    announce: Announce
    deliveries: deque[Delivery] = field(default_factory=lambda: deque(maxlen=CAPACITY))

    def deliver(self, delivery: Delivery) -> None:
        """Store the delivery and announce it."""
        self.deliveries.append(delivery)
        self.announce(delivery)

    def newest(self, username: str) -> str | None:
        """Return the code that was sent to a user last; None for none."""
        sent = self.sent(username)
        return sent[-1]["code"] if sent else None

    def sent(self, username: str | None) -> list[dict[str, Any]]:
        """Return the deliveries to a user, or all for None."""
        return [
            asdict(delivery)
            for delivery in self.deliveries
            if username is None or delivery.username.casefold() == username.casefold()
        ]
