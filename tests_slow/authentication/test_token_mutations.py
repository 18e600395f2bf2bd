"""Mutations of valid tokens are rejected unless they prove the same claims."""

import asyncio
import string
from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.authentication.alb_keys import AlbKeys, FetchBudget
from service.authentication.jwks import Jwks
from service.domain.errors import NotAuthenticated, TokenInvalid
from service.domain.identity import Authenticator, Identity, RequestCredentials
from tests.authentication.oracle import access_token_proves, load_balancer_proves
from tests.authentication.trusting import (
    SECOND_ARN,
    KeysInMemory,
    access_token,
    json_key_set,
    load_balancer,
)
from tests.support.access_token_signer import AccessTokenSigner, bearing
from tests.support.alb_token_signer import (
    ARN,
    CLIENT,
    EXPIRY,
    ISSUER,
    OTHER_FORM,
    SUB,
    AlbTokenSigner,
    credentials,
)
from tests.support.clock import NOW, Clock
from tests.support.raw_jwt import ABSENT, decoded, encoded

REPEATABLE: Final = settings(derandomize=True, max_examples=300, deadline=None, database=None)
CURVE_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

BALANCER: Final = AlbTokenSigner()
POOL: Final = AccessTokenSigner()


class Verifiers:
    """Authenticators without a cache, with keys from memory."""

    def __init__(self) -> None:
        clock = Clock()
        server = KeysInMemory({BALANCER.kid: BALANCER.pem, "jwks": json_key_set(POOL.jwk)})
        budget = FetchBudget(burst=1_000_000, refill_s=1, clock=clock)
        keys = AlbKeys(server, url_of=lambda _: "", budget=budget, clock=clock)
        self.alb = load_balancer(keys, clock, capacity=0)
        self.bearer = access_token(Jwks(server, url="jwks", clock=clock), clock, capacity=0)
        self.runner = asyncio.Runner()

    def believes(self, source: Authenticator, shown: RequestCredentials) -> bool:
        """Return whether the user is accepted; any exception other than a rejection is a defect."""
        try:
            identity = self.runner.run(source.identify(shown))
        except (NotAuthenticated, TokenInvalid):
            return False
        return identity == Identity(SUB, source.name)

    def believes_alb(self, token: str) -> bool:
        """Return whether a load balancer's token is accepted."""
        return self.believes(self.alb, credentials(token))

    def believes_bearer(self, token: str) -> bool:
        """Return whether an access token is accepted."""
        return self.believes(self.bearer, bearing(token))


@pytest.fixture(scope="module")
def court() -> Iterator[Verifiers]:
    """Return the court of this module."""
    opened = Verifiers()
    with opened.runner:
        yield opened


def mutants(token: str) -> Iterator[str]:
    """Yield a token with each of its characters changed, dropped, doubled, or followed by others."""
    others = string.ascii_letters + string.digits + "-_"
    for place, character in enumerate(token):
        before, behind = token[:place], token[place + 1 :]
        near = others[(others.find(character) + 1) % len(others)]
        for other in (near, others[(place * 7) % len(others)], ".", "=", "\u212a", ""):
            if other != character:
                yield before + other + behind
        yield before + character * 2 + behind


def bare(token: str) -> list[str]:
    """Return the parts of a token without padding."""
    return [part.rstrip("=") for part in token.split(".")]


@pytest.mark.parametrize("padded", [True, False], ids=["padded", "unpadded"])
def test_no_byte_of_a_load_balancers_token_can_be_changed(
    court: Verifiers, *, padded: bool
) -> None:
    """Every change of a byte is detected, except for padding."""
    token = BALANCER.mint(padded=padded)
    assert court.believes_alb(token)

    believed = [mutant for mutant in mutants(token) if court.believes_alb(mutant)]

    assert [mutant for mutant in believed if bare(mutant) != bare(token)] == []


def test_no_byte_of_an_access_token_can_be_changed(court: Verifiers) -> None:
    """Every change of a byte is detected."""
    token = POOL.mint()
    assert court.believes_bearer(token)

    assert [mutant for mutant in mutants(token) if court.believes_bearer(mutant)] == []


def test_twin_of_a_signature_proves_the_same(court: Verifiers) -> None:
    """ECDSA has two signatures for one message, (r, s) and (r, n - s); the twin changes no claim."""
    head, _, last = BALANCER.mint(padded=False).rpartition(".")
    signature = decoded(last)
    twin = CURVE_ORDER - int.from_bytes(signature[32:], "big")

    assert court.believes_alb(f"{head}.{encoded(signature[:32] + twin.to_bytes(32, 'big'))}")


BYTES: Final = st.lists(
    st.tuples(st.integers(0, 2_000), st.sampled_from([*string.printable, "\xff", "\udc80"])),
    min_size=1,
    max_size=4,
)


def altered(token: str, changes: list[tuple[int, str]]) -> str:
    """Return a token with some of its characters replaced."""
    characters = list(token)
    for place, character in changes:
        characters[place % len(characters)] = character
    return "".join(characters)


@given(changes=BYTES)
@REPEATABLE
def test_token_altered_in_several_places_is_refused(
    court: Verifiers, changes: list[tuple[int, str]]
) -> None:
    """Several changes do not make up for each other."""
    token, other = BALANCER.mint(), POOL.mint()

    mutant = altered(token, changes)
    assert court.believes_alb(mutant) <= (bare(mutant) == bare(token))
    mutant = altered(other, changes)
    assert court.believes_bearer(mutant) <= (mutant == other)


TIMES: Final = st.one_of(
    st.integers(int(NOW) - 10, int(NOW) + 10),
    st.floats(NOW - 10, NOW + 10),
    st.sampled_from([0, -EXPIRY, EXPIRY, 2**53, 2**53 + 1, 10**300, 10**310, 1e308, float("nan")]),
)
TEXTS: Final = st.one_of(
    st.sampled_from(
        [
            *("", SUB, CLIENT, ISSUER, OTHER_FORM, ARN, SECOND_ARN, BALANCER.kid, POOL.kid),
            *("access", "id", "ES256", "RS256", "none", "HS256", ISSUER + "/", ARN + "x"),
            *("\ud800", "\u212a", SUB + "\0", BALANCER.kid.upper(), str(EXPIRY)),
        ]
    ),
    st.text(max_size=8),
)
ANYTHING: Final = st.one_of(
    st.just(ABSENT),
    TIMES,
    TEXTS,
    st.none(),
    st.booleans(),
    st.lists(TEXTS, max_size=2),
    st.dictionaries(TEXTS, TEXTS, max_size=2),
)
HEADERS: Final = [
    "alg",
    "kid",
    "typ",
    "iss",
    "client",
    "signer",
    "exp",
    "nbf",
    "iat",
    "crit",
    "b64",
    "jku",
    "jwk",
    "x5c",
    "x5u",
    "x5t",
    "cty",
]
CLAIMS: Final = [
    "iss",
    "client",
    "signer",
    "exp",
    "nbf",
    "iat",
    "sub",
    "aud",
    "jti",
    "scope",
    "token_use",
    "client_id",
    "username",
    "version",
]


def changes(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for changes of at most three of these names."""
    return st.dictionaries(st.sampled_from(names), ANYTHING, max_size=3)


def is_plain(changed: dict[str, Any]) -> bool:
    """Return whether the values are JSON; others are never accepted."""
    return not any(value != value for value in changed.values())  # noqa: PLR0124 -- finds NaN


@given(header=changes(HEADERS), payload=changes(CLAIMS))
@REPEATABLE
def test_load_balancers_token_is_believed_exactly_where_the_rules_say_so(
    court: Verifiers, header: dict[str, Any], payload: dict[str, Any]
) -> None:
    """Whatever is signed, this verifier and the one that the test brings along agree."""
    token = BALANCER.mint(header, payload)
    key = BALANCER.key.public_key()
    kid = header.get("kid", BALANCER.kid)
    same_key = kid if str(kid).lower() == BALANCER.kid else BALANCER.kid

    expected = (
        is_plain(header) and is_plain(payload) and load_balancer_proves(token, key, same_key, SUB)
    )

    assert court.believes_alb(token) == expected


@given(
    header=changes(["alg", "kid", "typ", "crit", "b64", "jku", "jwk", "x5c", "x5u", "exp"]),
    payload=changes(CLAIMS),
)
@REPEATABLE
def test_access_token_is_believed_exactly_where_the_rules_say_so(
    court: Verifiers, header: dict[str, Any], payload: dict[str, Any]
) -> None:
    """Whatever is signed, this verifier and the one that the test brings along agree."""
    token = POOL.mint(payload, header)

    expected = (
        is_plain(header)
        and is_plain(payload)
        and access_token_proves(token, POOL.key.public_key(), POOL.kid, SUB)
    )

    assert court.believes_bearer(token) == expected


PARTS: Final = st.binary(max_size=40) | st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
).map(lambda value: str(value).replace("'", '"').encode("utf-8", "surrogatepass"))


@given(parts=st.lists(PARTS, max_size=4), junk=st.text(max_size=20))
@REPEATABLE
def test_arbitrary_text_is_rejected(court: Verifiers, parts: list[bytes], junk: str) -> None:
    """Arbitrary text in place of a token is rejected, not a defect."""
    for text in (".".join(encoded(part) for part in parts), junk):
        assert not court.believes_alb(text)
        assert not court.believes_bearer(text)


@pytest.mark.parametrize("depth", range(900, 1_000, 4))
def test_nesting_near_the_recursion_limit_is_rejected(court: Verifiers, depth: int) -> None:
    """A deeply nested header is accepted or rejected, never a defect."""
    deep = b"[" * depth + b"]" * depth
    header = BALANCER.mint({}).partition(".")[0]
    nested = decoded(header)[:-1] + b',"a":' + deep + b"}"

    assert court.believes_alb(BALANCER.mint(nested)) in {True, False}
    assert court.believes_bearer(POOL.mint({}, nested)) is False
