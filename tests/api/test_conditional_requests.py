"""Entity tags and preconditions."""

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from service.api.conditional_requests import condition_of, entity_tag, tag_list
from service.api.http_errors import MalformedRequest
from service.domain.profiles import Profile

PROFILE = Profile("alice", "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z", 1, {})
TAG = '"now"'
# What is documented for proxies, servers and libraries that compress a response with the tag "now".
CHANGED = {
    "nginx, haproxy, varnish, CDNs": 'W/"now"',
    "apache deflate, lighttpd gzip": '"now-gzip"',
    "apache brotli, lighttpd br": '"now-br"',
    "apache inflate": '"now-gunzip"',
    "lighttpd zstd": '"now-zstd"',
    "lighttpd deflate": '"now-deflate"',
    "lighttpd bzip2": '"now-bzip2"',
    "lighttpd x-gzip": '"now-x-gzip"',
    "df": '"now-df"',
    "jetty gzip": '"now--gzip"',
    "jetty br": '"now--br"',
    "semicolon": '"now;gzip"',
    "colon": '"now:br"',
    "plus": '"now+gzip"',
    "underscore": '"now_zst"',
    "name of a file": 'W/"now.gz"',
    "slash": '"now/gzip"',
    "compression dictionary": '"now-dcb"',
    "upper case": '"now-GZIP"',
    "a proxy behind a proxy": 'W/"now-gzip"',
    "apache behind lighttpd": '"now-gzip-br"',
}


def allows(profile: Profile | None, *headers: tuple[str, str]) -> bool:
    """Return whether a write with *headers* is allowed on a profile whose tag is TAG."""
    request = make_mocked_request("POST", "/", headers=CIMultiDict(headers))
    return condition_of(request, lambda _: TAG).allows(profile)


@pytest.mark.parametrize(
    ("headers", "on_profile", "on_none"),
    [
        ([], True, True),
        ([("If-Match", TAG)], True, False),
        ([("If-Match", '"old"')], False, False),
        ([("If-Match", f'"old", {TAG}')], True, False),
        ([("If-Match", '"old"'), ("If-Match", TAG)], True, False),
        ([("If-Match", f"W/{TAG}")], True, False),
        ([("If-Match", 'W/"old"')], False, False),
        ([("If-Match", f'W/"old-gzip", W/{TAG[:-1]}-gzip"')], True, False),
        ([("If-Match", f'"old", ,{TAG},')], True, False),
        ([("If-Match", f", {TAG}")], True, False),
        ([("If-Match", "*")], True, False),
        ([("If-None-Match", "*")], False, True),
        ([("If-None-Match", TAG)], False, True),
        ([("If-None-Match", f"W/{TAG}")], False, True),
        ([("If-None-Match", '"old"')], True, True),
        ([("If-Match", TAG), ("If-None-Match", TAG)], False, False),
        ([("If-Match", TAG), ("If-None-Match", '"old"')], True, False),
    ],
    ids=str,
)
def test_conditions_follow_rfc_9110(
    headers: list[tuple[str, str]], *, on_profile: bool, on_none: bool
) -> None:
    """If-Match requires a profile; both headers compare tags as a proxy may have changed them."""
    assert allows(PROFILE, *headers) is on_profile
    assert allows(None, *headers) is on_none


@pytest.mark.parametrize(
    "value",
    ["", ",", "now", '"now', '"now" "then"', '"now",then', "*, *", '"a", *', 'w/"now"', '"a\x7fb"'],
)
@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
def test_malformed_condition_is_refused(header: str, value: str) -> None:
    """A malformed condition is refused: ignoring it could overwrite a newer state."""
    request = make_mocked_request("GET", "/", headers=CIMultiDict({header: value}))

    with pytest.raises(MalformedRequest, match=header):
        tag_list(request, header)


@pytest.mark.parametrize("changed", CHANGED.values(), ids=CHANGED)
@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
def test_tag_that_a_compressing_proxy_has_changed_is_recognized(header: str, changed: str) -> None:
    """A tag stands for one state of the profile, however a proxy marks the coding of the response."""
    of_old = changed.replace("now", "old")

    assert allows(PROFILE, (header, changed)) is (header == "If-Match")
    assert allows(PROFILE, (header, f'"a", {changed}')) is (header == "If-Match")
    assert allows(PROFILE, (header, of_old)) is (header == "If-None-Match")


@pytest.mark.parametrize(
    "other", ["now-", "now-1", "now-gzipped", "now-gzip-1", "-gzip", "nowgzip", "now gzip"]
)
def test_tag_with_another_suffix_is_another_tag(other: str) -> None:
    """Only the names of content codings are ignored."""
    if " " in other:
        with pytest.raises(MalformedRequest):
            allows(PROFILE, ("If-Match", f'"{other}"'))
    else:
        assert not allows(PROFILE, ("If-Match", f'"{other}"'))


def test_tag_is_a_digest_of_the_bytes() -> None:
    """Equal bytes have equal tags and different bytes different ones; tags are strong and quoted."""
    assert entity_tag(b"a") == entity_tag(b"a")
    assert entity_tag(b"a") != entity_tag(b"b")
    assert entity_tag(b"a").startswith('"')
    assert entity_tag(b"a").endswith('"')
