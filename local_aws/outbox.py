"""The messages that Cognito would send by e-mail or SMS."""

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

CAPACITY = 1_000  # messages; the oldest are dropped first


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
    """Print the code on a line of its own, with the metadata of the call if it has some."""
    metadata = ", ".join(f"{name}: {value}" for name, value in delivery.metadata.items())
    line = f"{delivery.purpose} code for {delivery.username}: {delivery.code}"
    print(  # noqa: T201 -- printing is what this function is for
        "".join(map(_shown, f"{line} ({metadata})" if metadata else line)), flush=True
    )


def _shown(character: str) -> str:
    """Return a character, escaped if a terminal may interpret it: users choose names and metadata."""
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


@dataclass(frozen=True, slots=True)
class Outbox:
    """The newest deliveries, oldest first."""

    announce: Announce
    _sent: deque[Delivery] = field(default_factory=lambda: deque(maxlen=CAPACITY))

    def deliver(self, delivery: Delivery) -> None:
        """Store the delivery and announce it."""
        self._sent.append(delivery)
        self.announce(delivery)

    def sent(self, username: str | None) -> list[dict[str, str | None]]:
        """Return the deliveries to a user, or all for None."""
        return [
            asdict(delivery)
            for delivery in self._sent
            if username is None or delivery.username.casefold() == username.casefold()
        ]
