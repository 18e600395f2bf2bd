"""The settings of calls by other services."""

from dataclasses import dataclass
from typing import ClassVar

from service.config.aws_settings import CLIENT_ID
from service.config.fields import Section, Words, integer, number, setting, text
from service.domain.identity import ServiceScope

# Of Cognito's ResourceServerIdentifierType: no space, quotation mark or backslash.
IDENTIFIER = r"[\x21\x23-\x5b\x5d-\x7e]{1,256}"


@dataclass(frozen=True, slots=True)
class ServicesConfig(Section):
    """Calls by other services (/v1/users), with access tokens of the client credentials grant."""

    section: ClassVar[str] = "services"

    clients: tuple[str, ...] = setting(
        Words(pattern=CLIENT_ID),
        "",
        "The app clients of the user pool whose services may call /v1/users, each within the scopes of "
        "its token. Empty: nobody may (401).",
        example="3example4567890abcdefghijkl",
    )
    resource_server: str = setting(
        text(IDENTIFIER, "the identifier of a resource server"),
        "profiles",
        "The identifier of the user pool's resource server with the scopes profiles.read, "
        "profiles.write and profiles.erase. A token has them as profiles/profiles.read, for example.",
    )
    client_burst: int = setting(
        integer(0, 1_000_000),
        "5000",
        "The burst of one client, in calls to one process. 0: no limit.",
    )
    client_per_s: float = setting(
        number(0, 100_000),
        "1000",
        "Calls per second of one client to one process after its burst. 0: no limit.",
    )

    def scope_of_token(self, scope: ServiceScope) -> str:
        """Return the scope as tokens have it."""
        return f"{self.resource_server}/{scope}"
