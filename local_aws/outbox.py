"""Keep the messages that Cognito would have sent by e-mail or SMS."""

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

CAPACITY = 1_000  # messages kept; the oldest go first


@dataclass(frozen=True, slots=True)
class Delivery:
    """Carry one code to its reader."""

    user_pool_id: str
    username: str
    """As it was typed at sign-up; the e-mail address where that is the user name."""
    purpose: str
    """One of "confirmation", "password reset", "attribute verification", "invitation", "sign-in",
    "multi-factor authentication", "custom challenge"."""
    attribute: str | None
    """What the code proves: "email", "phone_number", or None where it is only announced."""
    destination: str | None
    code: str


Announce = Callable[[Delivery], None]


def announce_on_console(delivery: Delivery) -> None:
    """Print the code on a line of its own: the console is the mailbox."""
    name = "".join(map(_shown, delivery.username))
    print(  # noqa: T201 -- printing is what this function is for
        f"{delivery.purpose} code for {name}: {delivery.code}", flush=True
    )


def _shown(character: str) -> str:
    """Give a character that may act on a terminal as its escape: people choose their names."""
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


@dataclass(frozen=True, slots=True)
class Outbox:
    """Hold the latest deliveries, the newest last."""

    announce: Announce
    _sent: deque[Delivery] = field(default_factory=lambda: deque(maxlen=CAPACITY))

    def deliver(self, delivery: Delivery) -> None:
        """Keep the delivery and announce it."""
        self._sent.append(delivery)
        self.announce(delivery)

    def sent(self, username: str | None) -> list[dict[str, str | None]]:
        """List the deliveries to this user, or to everyone for None."""
        return [
            asdict(delivery)
            for delivery in self._sent
            if username is None or delivery.username.casefold() == username.casefold()
        ]
