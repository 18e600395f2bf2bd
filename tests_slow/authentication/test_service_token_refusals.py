"""Whatever is refused as a user's token is refused as a service's, too."""

from collections.abc import Mapping
from typing import Any, Final

from service.authentication.jwks import Jwks
from service.domain.errors import TokenInvalid
from tests.authentication.test_access_token_refusals import BAD
from tests.authentication.trusting import KeysInMemory, json_key_set, service_tokens
from tests.support.access_token_signer import OF_SERVICE, SERVICE, AccessTokenSigner
from tests.support.clock import Clock
from tests.support.raw_jwt import decoded, encoded

# Changes of the user name, which a service's token does not have.
VALID_FOR_A_SERVICE: Final = frozenset({"no user name"})


class ServiceTokenSigner(AccessTokenSigner):
    """A pool whose tokens are those of a service."""

    @property
    def payload(self) -> Mapping[str, Any]:
        """The payload of a valid token."""
        user = super().payload
        return {
            name: OF_SERVICE.get(name, value)
            for name, value in user.items()
            if name not in ("username", "cognito:groups", "origin_jti", "event_id")
        }


async def test_bad_token_is_no_services() -> None:
    """Every named bad token, of a service instead of a user, is refused with the same error."""
    pool, clock = ServiceTokenSigner(), Clock()
    keys = Jwks(KeysInMemory({"jwks": json_key_set(pool.jwk)}), url="jwks", clock=clock)
    verifier = service_tokens(keys, clock, capacity=0)
    assert (await verifier.verify(pool.mint())).client_id == SERVICE
    head, body, signature = pool.mint().split(".")
    wider = encoded(decoded(body).replace(b"profiles.read", b"profiles.erase"))

    accepted = []
    tokens = {name: bad(pool) for name, bad in BAD.items()}
    for name, token in {**tokens, "wider scope": f"{head}.{wider}.{signature}"}.items():
        try:
            await verifier.verify(token)
        except TokenInvalid:
            continue
        accepted.append(name)

    assert set(accepted) == VALID_FOR_A_SERVICE
