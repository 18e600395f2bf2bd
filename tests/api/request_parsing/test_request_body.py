"""Request bodies and responses of a route with a body."""

import gzip
import json

import pytest
from aiohttp import web
from marshmallow import INCLUDE, Schema

from service.api.http_errors import BodyTooLarge
from service.api.request_parsing import request_body
from tests.api.conftest import ALICE, Api, Start
from tests.api.raw_http import exchange, serving

PROFILE = "/v1/user/profile"


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "application/json; charset=utf-8; charset=windows-1252",
        "application/jsonp",
    ],
)
async def test_other_media_type_is_refused(api: Api, content_type: str | None) -> None:
    """A body must be declared as JSON in UTF-8, which HTML forms cannot do."""
    headers = ALICE if content_type is None else {**ALICE, "Content-Type": content_type}
    skip = ["Content-Type"] if content_type is None else None

    answer = await api.post(PROFILE, data=b"{}", headers=headers, skip_auto_headers=skip)

    assert answer.status == 415
    assert (await answer.json())["code"] == "unsupported_media_type"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON; charset=UTF-8",
        "application/json;v=1",
        "application/json; charset=utf8",
        'application/json; charset=" UTF8 "',
        "application/json; charset=us-ascii; q=1",
    ],
)
async def test_json_media_type_is_taken(api: Api, content_type: str) -> None:
    """Case and parameters of the media type are ignored, except for a charset that is not in UTF-8."""
    answer = await api.post(PROFILE, data=b"{}", headers={**ALICE, "Content-Type": content_type})

    assert answer.status == 201


async def test_byte_order_mark_is_ignored(api: Api) -> None:
    """A byte order mark before the JSON is ignored, in a patch as well, whose charset is UTF-8's."""
    headers = {**ALICE, "Content-Type": "application/json"}
    patch = {**ALICE, "Content-Type": "application/merge-patch+json; charset=utf8"}

    created = await api.post(PROFILE, data=b'\xef\xbb\xbf{"city": "Pune"}', headers=headers)
    patched = await api.patch(PROFILE, data=b'\xef\xbb\xbf{"city": "Goa"}', headers=patch)

    assert (created.status, patched.status) == (201, 200)
    assert (await patched.json())["city"] == "Goa"


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"null", b"1"])
async def test_body_that_is_no_object_is_refused(api: Api, body: bytes) -> None:
    """A body that is not an object is refused."""
    headers = {**ALICE, "Content-Type": "application/json"}

    answer = await api.post(PROFILE, data=body, headers=headers)

    assert answer.status == 400
    assert (await answer.json())["code"] == "malformed_request"


async def test_body_beyond_the_limit_is_refused(start: Start) -> None:
    """A body beyond `max-body-bytes` is 413."""
    api = await start({"server": {"max-body-bytes": "1024"}})

    answer = await api.post(PROFILE, json={"bio": "x" * 1_100}, headers=ALICE)

    assert answer.status == 413
    assert (await answer.json())["code"] == "body_too_large"


async def test_received_body_is_not_kept() -> None:
    """The request, which its connection keeps while it is idle, is without its body."""
    kept = []

    async def handle(request: web.Request) -> web.Response:
        await request_body.load(request, Schema.from_dict({})(unknown=INCLUDE))
        kept.append(await request.read())
        return web.Response()

    app = web.Application()
    app.router.add_post("/", handle)
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    async with serving(app) as port:
        await exchange(port, head + b'Content-Length: 10\r\n\r\n{"a": "b"}')

    assert kept == [b""]


async def test_complete_body_beyond_the_limit_is_refused() -> None:
    """The limit applies to a body that has arrived before it is read."""
    refused = []

    async def handle(request: web.Request) -> web.Response:
        with pytest.raises(BodyTooLarge) as refusal:
            await request_body.load(request, Schema.from_dict({})())
        refused.append(refusal.value)
        return web.Response()

    app = web.Application(client_max_size=4)
    app.router.add_post("/", handle)
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    async with serving(app) as port:
        await exchange(port, head + b'Content-Length: 10\r\n\r\n{"a": "b"}')

    assert len(refused) == 1


async def test_compressed_body_beyond_the_limit_is_refused(start: Start) -> None:
    """The limit applies to the decompressed body."""
    api = await start({"server": {"max-body-bytes": "1024"}})
    headers = {**ALICE, "Content-Type": "application/json", "Content-Encoding": "gzip"}

    answer = await api.post(PROFILE, data=gzip.compress(b" " * 1_000_000), headers=headers)

    assert answer.status == 413


async def test_wrongly_compressed_body_is_refused(api: Api) -> None:
    """A body with a wrong content coding is malformed."""
    headers = {**ALICE, "Content-Type": "application/json", "Content-Encoding": "gzip"}

    answer = await api.post(PROFILE, data=b"not gzip", headers=headers)

    assert answer.status == 400
    assert (await answer.json())["code"] == "malformed_request"


async def test_wrong_fields_are_named_by_their_paths(api: Api) -> None:
    """Each wrong field is named by its path, without its value."""
    body = {"username": "a b", "attributes": {"email": 7, "sub": "SECRET"}, "extra": "SECRET"}

    answer = await api.post("/api/auth/signup", json=body)

    text = await answer.text()
    assert answer.status == 422
    assert {entry["field"] for entry in json.loads(text)["errors"]} == {
        "attributes.email",
        "extra",
        "password",
        "username",
    }
    assert "SECRET" not in text


async def test_names_of_wrong_fields_are_bounded(api: Api) -> None:
    """A thousand unknown names with control characters get a short, printable response."""
    body = {f"{number}\n\x1b[31m" + "x" * 200: 1 for number in range(1_000)}

    answer = await api.post(PROFILE, json=body, headers=ALICE)

    errors = (await answer.json())["errors"]
    assert len(errors) == request_body.MAX_PROBLEMS
    assert all(len(entry["field"]) == request_body.MAX_NAME_CHARACTERS + 1 for entry in errors)
    assert all(entry["field"].isprintable() for entry in errors)


def test_integers_of_any_size_leave_exactly() -> None:
    """An integer beyond 64 bits is not rounded."""
    assert json.loads(request_body.dumps({"n": 10**30})) == {"n": 10**30}


def test_unpaired_surrogate_is_escaped() -> None:
    """A text of an upstream that is not valid Unicode does not fail the response."""
    assert request_body.dumps({"text": "\ud800é"}) == '{"text":"\\ud800é"}'.encode()
