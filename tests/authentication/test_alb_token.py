"""The authenticator for the load balancer's token: accepted tokens and required headers."""

from collections.abc import Callable, Mapping
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from service.authentication.alb_keys import AlbKeys, FetchBudget
from service.authentication.alb_token import AlbAuthenticator
from service.authentication.key_client import KeyClient
from service.domain.identity import Identity, RequestCredentials
from tests.authentication.trusting import SECOND_ARN, SKEW_S, load_balancer, refused
from tests.support.alb_token_signer import EXPIRY, OTHER_FORM, SUB, AlbTokenSigner, credentials
from tests.support.clock import NOW, Clock
from tests.support.raw_jwt import ABSENT
from tests.support.scripted_key_server import ScriptedKeyServer, ok

ALICE: Final = Identity(SUB, "alb")

GOOD: Final[Mapping[str, Callable[[AlbTokenSigner], str]]] = {
    "padded": lambda lb: lb.mint(),
    "unpadded": lambda lb: lb.mint(padded=False),
    "padded in some parts": lambda lb: lb.mint().rstrip("="),
    "expiry in the header only": lambda lb: lb.mint({}, {"exp": ABSENT}),
    "expiry in the payload only": lambda lb: lb.mint({"exp": ABSENT}),
    "expiry a fraction": lambda lb: lb.mint({"exp": NOW + 0.5}, {"exp": NOW + 1.5e0}),
    "expiry far away": lambda lb: lb.mint({"exp": 2**53}, {"exp": 2**53}),
    "issuer in the header only": lambda lb: lb.mint({}, {"iss": ABSENT}),
    "issuer in its other form": lambda lb: lb.mint({"iss": OTHER_FORM}, {"iss": OTHER_FORM}),
    "signer and client in the payload too": lambda lb: lb.mint(
        {}, {"signer": lb.header["signer"], "client": lb.header["client"]}
    ),
    "signer is the second": lambda lb: lb.mint({"signer": SECOND_ARN}),
    "claims that nobody asked for": lambda lb: lb.mint({"x": [1]}, {"x": {"y": None}, "é": "ü"}),
    "claims of objects": lambda lb: lb.mint({"__proto__": {}}, {"constructor": {"a": 1}}),
    "type of token missing": lambda lb: lb.mint({"typ": ABSENT}),
    "issued just now by a fast clock": lambda lb: lb.mint({}, {"iat": NOW + SKEW_S}),
    "valid from now by a fast clock": lambda lb: lb.mint({"nbf": NOW + SKEW_S}, {"nbf": NOW - 9}),
    "audiences": lambda lb: lb.mint({}, {"aud": ["one", "two"]}),
    "audience": lambda lb: lb.mint({}, {"aud": "one"}),
    "key id in capitals": lambda lb: lb.mint({"kid": lb.kid.upper()}),
    "11 KB": lambda lb: lb.mint({}, {"address": "x" * 7_800}),
    "white space in JSON": lambda lb: lb.mint({}, b' {\n"sub" : "%s"}\t' % SUB.encode()),
}


@pytest.mark.parametrize("name", GOOD)
async def test_valid_token_is_accepted(
    alb: AlbAuthenticator, balancer: AlbTokenSigner, name: str
) -> None:
    """A valid token of a configured load balancer is accepted in every form."""
    token = GOOD[name](balancer)

    assert await alb.identify(credentials(token)) == ALICE
    assert await alb.identify(credentials(token)) == ALICE


async def test_subject_of_255_characters_is_accepted(
    alb: AlbAuthenticator, balancer: AlbTokenSigner
) -> None:
    """A subject may be any visible ASCII, up to OpenID Connect's limit."""
    sub = "!~" * 127 + "x"

    identity = await alb.identify(credentials(balancer.mint({}, {"sub": sub}), identity=(sub,)))

    assert identity == Identity(sub, "alb")


async def test_missing_data_header_is_ignored(alb: AlbAuthenticator) -> None:
    """Without the token the authenticator returns None, whatever the plain header."""
    assert await alb.identify(RequestCredentials(peer=None, oidc_identity=(SUB,))) is None


GAMES: Final[Mapping[str, Callable[[str], RequestCredentials]]] = {
    "no identity header": lambda token: credentials(token, identity=()),
    "two identity headers": lambda token: credentials(token, identity=(SUB, SUB)),
    "two identity headers, the second another's": lambda token: credentials(
        token, identity=(SUB, "mallory")
    ),
    "empty identity header": lambda token: credentials(token, identity=("",)),
    "identity of somebody else": lambda token: credentials(token, identity=("mallory",)),
    "identity in capitals": lambda token: credentials(token, identity=(SUB.upper(),)),
    "identity with a space behind": lambda token: credentials(token, identity=(SUB + " ",)),
    "identity with a NUL behind": lambda token: credentials(token, identity=(SUB + "\0",)),
    "identity cut off": lambda token: credentials(token, identity=(SUB[:-1],)),
    "identity listed": lambda token: credentials(token, identity=(f"{SUB}, {SUB}",)),
    "identity in full-width digits": lambda token: credentials(
        token, identity=(SUB.replace("5", "\uff15"),)
    ),
    "identity with bytes that are no UTF-8": lambda token: credentials(
        token, identity=(SUB + "\udce9",)
    ),
    "two data headers": lambda token: RequestCredentials(None, (), (SUB,), (token, token)),
    "two data headers, one bad": lambda token: RequestCredentials(None, (), (SUB,), (token, "bad")),
    "two data headers, one empty": lambda token: RequestCredentials(None, (), (SUB,), ("", token)),
    "data headers in one": lambda token: credentials(f"{token}, {token}"),
    "data header empty": lambda _: credentials(""),
    "data header with a scheme": lambda token: credentials(f"Bearer {token}"),
    "data header in quotes": lambda token: credentials(f'"{token}"'),
    "data header with bytes that are no UTF-8": lambda token: credentials(f"{token}\udce9"),
}


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("known", [False, True], ids=["new", "remembered"])
async def test_inconsistent_headers_are_rejected(
    alb: AlbAuthenticator, balancer: AlbTokenSigner, name: str, *, known: bool
) -> None:
    """Each header must be sent once, and both must name one user, cached or not."""
    token = balancer.mint()
    if known:
        assert await alb.identify(credentials(token)) == ALICE

    await refused(alb, GAMES[name](token))


async def test_cached_token_expires_at_the_earlier_expiry(
    alb: AlbAuthenticator, balancer: AlbTokenSigner, clock: Clock
) -> None:
    """A cached token is rejected from its earlier expiry on."""
    for header, payload in (({"exp": EXPIRY}, {"exp": EXPIRY + 9}), ({"exp": EXPIRY + 9}, {})):
        token = balancer.mint(header, payload)
        clock.now = EXPIRY - 0.001
        assert await alb.identify(credentials(token)) == ALICE

        clock.now = EXPIRY

        await refused(alb, credentials(token))


class CountingKeys(AlbKeys):
    """Keys that count look-ups."""

    asked = 0

    async def key(self, signer: str, kid: str) -> EllipticCurvePublicKey:
        """Count, and return the key."""
        self.asked += 1
        return await super().key(signer, kid)


async def test_cached_token_is_not_verified_again(
    server: KeyClient, endpoint: ScriptedKeyServer, clock: Clock, balancer: AlbTokenSigner
) -> None:
    """A cached token is not verified again; tokens of one key fetch it once."""
    budget = FetchBudget(burst=5, refill_s=1, clock=clock)
    keys = CountingKeys(server, url_of=lambda _: endpoint.url, budget=budget, clock=clock)
    alb = load_balancer(keys, clock)
    tokens = [balancer.mint(), balancer.mint({}, {"n": 1})]
    for token in tokens * 3:
        assert await alb.identify(credentials(token)) == ALICE

    assert keys.asked == len(tokens)
    assert endpoint.asked == [balancer.kid]


async def test_rotated_key_is_fetched_and_the_old_one_stays(
    balancer_keys: AlbKeys, clock: Clock, endpoint: ScriptedKeyServer
) -> None:
    """In the middle of use a load balancer may take a new key; tokens of both are good."""
    rotating = AlbTokenSigner()
    alb = load_balancer(balancer_keys, clock, capacity=0)
    tokens = []
    for _ in range(3):
        endpoint.answers[rotating.kid] = ok(rotating.pem)
        tokens.append(rotating.mint())
        rotating.rotate()

    for token in (*tokens, *tokens):
        assert await alb.identify(credentials(token)) == ALICE

    assert len(endpoint.asked) == 3
