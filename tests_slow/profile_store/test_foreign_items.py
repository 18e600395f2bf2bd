"""Items of another application are returned, adopted by the first write, and not harmed."""

import functools
import json
import uuid
from typing import Any, TypeAlias

import pytest
from aiohttp import ClientResponse
from pytest_aiohttp.plugin import AiohttpClient
from structlog.testing import capture_logs

from service.app import aws_adapters, create_app
from service.config.settings import Config
from service.profile_store.items import CLAIM_ATTRIBUTES, OWN_ATTRIBUTES, Item
from tests.api.conftest import Api
from tests.profile_store.foreign_items import CASES, DIGITS, UNDECLARED, Case, without
from tests.profile_store.table import Table
from tests.support.configs import CREDENTIALS

PATH = "/v1/user/profile"
Json: TypeAlias = dict[str, Any]
Write: TypeAlias = tuple[str, Json, set[str]]

# Method, body, and what it may change: each of them adopts a third of the items.
WRITES: list[Write] = [
    ("POST", {"nickname": "merged", "email": None}, {"nickname"}),
    ("PATCH", {"nickname": "patched", "company": None}, {"nickname"}),
    ("PUT", {"nickname": "replaced"}, {"nickname", "city", "preferences"}),
]


@pytest.fixture
async def api(config: Config, aiohttp_client: AiohttpClient) -> Api:
    """Start the service in front of the table."""
    return await aiohttp_client(
        create_app(config, functools.partial(aws_adapters, credentials=CREDENTIALS))
    )


@pytest.mark.parametrize(
    ("case", "write"),
    [
        pytest.param(case, WRITES[number % len(WRITES)], id=name)
        for number, (name, case) in enumerate(CASES.items())
    ],
)
async def test_item_is_returned_adopted_and_not_harmed(
    api: Api, table: Table, user_id: str, case: Case, write: Write
) -> None:
    """A foreign item can be read, written and deleted; undeclared attributes stay unchanged."""
    with capture_logs() as logs:
        await table.put(user_id, case.created_at, **UNDECLARED, **case.attributes)
        await _is_served(api, user_id, case)
        method, body, may_change = write
        before = await _item(table, user_id, case.created_at)
        answer = await _call(api, user_id, method, body)
        assert answer.status == 200, await answer.text()
        written = await answer.json()
        assert written == await _read(api, user_id)
        assert (written["nickname"], written["version"]) == (body["nickname"], case.version + 1)
        after = await _item(table, user_id, case.created_at)
        spared = {*OWN_ATTRIBUTES, *may_change}
        assert without(after, spared) == without(before, spared)
        await _is_erased(api, table, user_id)
        assert {entry["event"] for entry in logs} == {"request_finished"}


async def _is_served(api: Api, user_id: str, case: Case) -> None:
    """Assert that the profile is returned as in the case, each time in the same bytes."""
    first, second = [await _call(api, user_id, "GET") for _ in range(2)]
    body = await first.read()
    assert first.status == 200, body
    shown = json.loads(body)
    moment = shown.pop("updatedAt")
    assert moment == case.attributes.get("updatedAt", {}).get("S", case.created_at)
    own = {"userId": user_id, "createdAt": case.created_at, "version": case.version}
    assert shown == {**own, **case.shown}
    assert (await second.read(), second.headers["ETag"]) == (body, first.headers["ETag"])


async def _is_erased(api: Api, table: Table, user_id: str) -> None:
    """Assert that a deletion leaves no data, also of other applications."""
    assert (await _call(api, user_id, "DELETE")).status == 204
    assert (await _call(api, user_id, "GET")).status == 404
    for item in await table.items(user_id):
        assert without(item, OWN_ATTRIBUTES) == {}


async def _call(api: Api, user_id: str, method: str, body: Json | None = None) -> ClientResponse:
    return await api.request(method, PATH, json=body, headers={"x-amzn-oidc-identity": user_id})


async def _read(api: Api, user_id: str) -> Json:
    read: Json = await (await _call(api, user_id, "GET")).json()
    return read


async def _item(table: Table, user_id: str, created_at: str) -> Item:
    (item,) = [i for i in await table.items(user_id) if i["createdAt"] == {"S": created_at}]
    return item


@pytest.mark.parametrize(
    "user_id",
    [
        "a\"b\\<c>&'{d}%20/..;|~e`",
        "~claim",
        "~readiness",
        "=" * 255,
    ],
)
async def test_user_id_is_any_text_that_a_proof_may_hold(
    api: Api, table: Table, user_id: str
) -> None:
    """A `sub` is compared, and never understood."""
    await table.put(user_id, "2020-05-05", city={"S": "Mumbai"})

    assert (await _read(api, user_id))["city"] == "Mumbai"
    assert (await _call(api, user_id, "PATCH", {"city": "Pune"})).status == 200
    assert (await _read(api, user_id))["userId"] == user_id
    await _is_erased(api, table, user_id)


async def test_earliest_of_several_items_is_the_profile(api: Api, table: Table) -> None:
    """The other items stay while it lives, and are deleted with it."""
    user_id = str(uuid.uuid4())
    moments = ["2021-01-01", "2020-05-05T05:05:05Z", "2020-05-05", "2022"]
    for moment in moments:
        await table.put(user_id, moment, **UNDECLARED, city={"S": moment})
    await table.put(user_id, "2019", city={"S": "2019"}, deletedAt={"S": "2019-12-31"})
    before = await table.items(user_id)

    for number, (method, body, _) in enumerate(WRITES, start=1):
        answer = await _call(api, user_id, method, body)
        written = await answer.json()
        assert (written["createdAt"], written["version"]) == ("2020-05-05", number)

    after = await table.items(user_id)
    adopted = await _item(table, user_id, "2020-05-05")
    assert without(adopted, {*OWN_ATTRIBUTES, "nickname"}) == without(UNDECLARED, ())
    others = [
        number for number, item in enumerate(before) if item["createdAt"] != {"S": "2020-05-05"}
    ]
    assert [without(after[number], ()) for number in others] == [
        without(before[number], ()) for number in others
    ]
    assert (await _call(api, user_id, "DELETE")).status == 204
    assert (await _call(api, user_id, "GET")).status == 404
    left = await table.items(user_id)
    assert [item["createdAt"] for item in left if "deletedAt" not in item] == [{"S": "~claim"}]
    assert all(without(item, OWN_ATTRIBUTES) == {} for item in left)


async def test_item_marked_as_deleted_is_not_a_profile(api: Api, table: Table) -> None:
    """An item with a `deletedAt` string is deleted; a new profile can be created."""
    user_id = str(uuid.uuid4())
    await table.put(user_id, "2020-05-05", **UNDECLARED, deletedAt={"S": "2020-12-31"})
    before = await _item(table, user_id, "2020-05-05")

    assert (await _call(api, user_id, "GET")).status == 404
    assert (await _call(api, user_id, "PATCH", {"city": "Pune"})).status == 404
    created = await _call(api, user_id, "POST", {"city": "Pune"})

    assert (created.status, (await created.json())["version"]) == (201, 1)
    assert without(await _item(table, user_id, "2020-05-05"), ()) == without(before, ())


async def test_item_under_the_sort_key_of_the_claim_is_not_a_profile(
    api: Api, table: Table
) -> None:
    """An item under the claim's sort key is not a profile and does not block creation."""
    user_id = str(uuid.uuid4())
    theirs = {name: value for name, value in UNDECLARED.items() if name not in CLAIM_ATTRIBUTES}
    await table.put(user_id, "~claim", **UNDECLARED, city={"S": "Mumbai"}, expiresAt={"S": "never"})

    assert (await _call(api, user_id, "GET")).status == 404
    assert (await _call(api, user_id, "POST", {"city": "Pune"})).status == 201
    assert (await _read(api, user_id))["city"] == "Pune"
    claim = await _item(table, user_id, "~claim")
    assert without(claim, CLAIM_ATTRIBUTES) == without({**theirs, "city": {"S": "Mumbai"}}, ())
    assert "expiresAt" not in claim
    assert (await _call(api, user_id, "DELETE")).status == 204
    assert without(await _item(table, user_id, "~claim"), CLAIM_ATTRIBUTES) == {}


async def test_patch_inside_a_field_keeps_what_it_does_not_name(api: Api, table: Table) -> None:
    """A merge patch keeps all digits of the numbers that it does not name."""
    user_id = str(uuid.uuid4())
    theirs: Item = {
        "theme": {"S": "light"},
        "long": {"N": DIGITS},
        "small": {"N": "0.12345678901234567890123456789012345678"},
        "big": {"N": "9" * 38},
        "some": {"L": [{"NULL": True}, {"M": {"deep": {"N": DIGITS}}}]},
        "tags": {"SS": ["b", "a"]},
    }
    await table.put(user_id, "2020-05-05", preferences={"M": theirs})
    before = await (await _call(api, user_id, "GET")).text()

    answer = await _call(api, user_id, "PATCH", {"preferences": {"theme": "dark"}})

    assert answer.status == 200
    for text in (before, await answer.text()):
        assert text.count(f":{DIGITS}") == 2
        assert '"small":0.12345678901234567890123456789012345678' in text
        assert f'"big":{"9" * 38}' in text
    patched = (await _item(table, user_id, "2020-05-05"))["preferences"]["M"]
    as_json = {"tags": {"L": [{"S": "a"}, {"S": "b"}]}}  # a merge patch knows no sets
    assert patched == {**theirs, "theme": {"S": "dark"}, **as_json}


async def test_full_item_is_returned_and_cannot_grow(api: Api, table: Table) -> None:
    """An update beyond the item limit is ProfileTooLarge, and the item is unchanged."""
    user_id = str(uuid.uuid4())
    await table.put(user_id, "2020-05-05", theirs={"S": "x" * 400_000}, city={"S": "Mumbai"})
    before = await table.items(user_id)

    for method in ("POST", "PATCH", "PUT"):
        body = {"preferences": {"long": "x" * 20_000}}
        refused = await _call(api, user_id, method, body)
        assert (refused.status, (await refused.json())["code"]) == (422, "profile_too_large")

    assert await table.items(user_id) == before
    assert (await _read(api, user_id))["city"] == "Mumbai"
    assert (await _call(api, user_id, "PATCH", {"city": "Pune"})).status == 200
    await _is_erased(api, table, user_id)
