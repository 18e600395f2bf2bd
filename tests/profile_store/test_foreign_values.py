"""Values of other applications in responses: all digits of numbers, and no invalid Unicode."""

from dataclasses import replace

import pytest
from pytest_aiohttp.plugin import AiohttpClient
from structlog.testing import capture_logs

from service.api.profile_json import ProfileRepresentation
from service.api.schemas.profiles import ProfileSchema
from service.app import Adapters, create_app
from service.domain.errors import UpstreamFault
from service.domain.profiles import Profile
from service.domain.values.json_values import JsonValue
from service.profile_store.attribute_values import from_attribute, to_attribute
from tests.support.configs import configured, opening
from tests.support.fakes.profiles import MemoryProfileStore

PATH = "/v1/user/profile"
ALICE = {"x-amzn-oidc-identity": "alice"}
HALF_A_PAIR = "a\ud800b"  # DynamoDB Local keeps it; no encoding of Unicode has it


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("7", "7"),
        ("-0", "0"),
        ("1.0", "1"),
        ("1E3", "1000"),
        ("0.10", "0.1"),
        ("1.5E-7", "1.5e-07"),
        ("-1E-130", "-1e-130"),
        ("9.99E+125", "999" + "0" * 123),
        ("-9223372036854775808", "-9223372036854775808"),
        ("-9223372036854775809", "-9223372036854775809"),
        ("18446744073709551616", "18446744073709551616"),
        ("0.1000000000000000055", "0.1000000000000000055"),
        ("9007199254740993.5", "9007199254740993.5"),
        ("-1234567890123456789012345678901234567.8", "-1234567890123456789012345678901234567.8"),
        ("1.2345678901234567890E-100", "1.234567890123456789E-100"),
    ],
)
def test_number_is_shown_with_all_its_digits(stored: str, shown: str) -> None:
    """One number has one text, whichever way it is stored, and none is rounded."""
    value = from_attribute({"N": stored})
    profile = Profile("alice", "2020", "2020", 0, {"city": value, "preferences": {"n": [value]}})

    body = ProfileRepresentation(ProfileSchema()).body(profile).decode().lower()

    assert f'"city":{_with_short_exponent(shown)}' in body
    assert f'{{"n":[{_with_short_exponent(shown)}]}}' in body


def _with_short_exponent(text: str) -> str:
    """Return a number as orjson writes it, in lower case."""
    return text.lower().replace("e-07", "e-7")


@pytest.mark.parametrize(
    "stored", ["0.1000000000000000055", "9007199254740993.5", "1.234567890123456789E-100", "0.5"]
)
def test_number_is_stored_again_as_it_was(stored: str) -> None:
    """A merge patch writes a whole field back, with the numbers that it does not name."""
    assert to_attribute(from_attribute({"N": stored})) == {"N": stored}


class SpoiltStore(MemoryProfileStore):
    """A store in which another application stored an unpaired surrogate."""

    async def spoil(self) -> None:
        """Create the profile, past the schema."""
        nested: JsonValue = {"list": [{"of": {HALF_A_PAIR: 1}}], "big": 10**30}
        await self.create("alice", {"city": HALF_A_PAIR, "bio": "fine", "preferences": nested})


async def test_invalid_unicode_is_rejected_and_can_be_replaced(
    memory: Adapters, aiohttp_client: AiohttpClient
) -> None:
    """A read is rejected with one log line that names the fields; PUT and DELETE are the remedy."""
    store = SpoiltStore()
    adapters = replace(memory, profile_store=store)
    api = await aiohttp_client(create_app(configured(), opening(adapters)))
    await store.spoil()

    with capture_logs() as logs:
        refused = await api.get(PATH, headers=ALICE)
    assert (refused.status, (await refused.json())["code"]) == (502, "upstream_fault")
    assert [entry["event"] for entry in logs] == ["profile_not_representable", "request_finished"]
    assert logs[0]["fields"] == ["city", "preferences"]
    assert HALF_A_PAIR not in str(logs)

    replaced = await api.put(PATH, json={"city": "Pune"}, headers=ALICE)
    assert (replaced.status, (await replaced.json())["city"]) == (200, "Pune")
    assert (await api.get(PATH, headers=ALICE)).status == 200
    await api.delete(PATH, headers=ALICE)
    await store.spoil()
    assert (await api.delete(PATH, headers=ALICE)).status == 204


@pytest.mark.parametrize("text", ["", "one", "NaN", "-Infinity", "1e1000", "1.2.3", "1_0.5"])
@pytest.mark.parametrize("kind", ["N", "NS"])
def test_text_in_place_of_a_number_is_a_fault(kind: str, text: str) -> None:
    """DynamoDB returns no such number: the upstream is at fault."""
    with pytest.raises(UpstreamFault):
        from_attribute({kind: [text] if kind == "NS" else text})
