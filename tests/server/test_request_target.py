"""Only one spelling of a path is accepted."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from service.server.request_target import Target, parsed

PROFILE = "/v1/user/profile"


@pytest.mark.parametrize(
    ("target", "path", "authority"),
    [
        (PROFILE, PROFILE, None),
        (f"{PROFILE}?asOf=%31&b=#"[:-1], PROFILE, None),
        (f"http://localhost:8080{PROFILE}", PROFILE, "localhost:8080"),
        (f"HTTPS://[::1]{PROFILE}?a", PROFILE, "[::1]"),
        ("http://localhost", "", "localhost"),
        ("*", "*", None),
        ("/v1/users/google|1/profile".replace("|", "%7C"), "/v1/users/google%7C1/profile", None),
        ("/v1/users/a:b@c/profile", "/v1/users/a:b@c/profile", None),
        ("/docs/%C3%A9%e2%82%ac", "/docs/%C3%A9%e2%82%ac", None),
        ("/docs/a%20b", "/docs/a%20b", None),
        ("/docs/..a/.b", "/docs/..a/.b", None),
    ],
)
def test_path_of_one_spelling_is_accepted(target: str, path: str, authority: str | None) -> None:
    """A path is returned as it was sent; characters that must be percent-encoded may be."""
    assert parsed(target) == Target(path, authority)


@pytest.mark.parametrize(
    "target",
    [
        "/%76%31/user/profile",
        "/v1/user/%70rofile",
        "/v1%2Fuser/profile",
        "/v1%2fuser/profile",
        "/v1%5Cuser/profile",
        "/v1\\user\\profile",
        "/v1/user/profile#x",
        "/v1/user/profile?a#x",
        "/v1/user/profile%",
        "/v1/user/profile%2",
        "/v1/user/profile%zz",
        "/v1/user/profile%u0041",
        "/v1/user/profile%00",
        "/v1/user/profile%09",
        "/v1/user/profile%7F",
        "/v1/user/profile%2E",
        "/v1/user/profile.",
        "/v1/user./profile",
        "/v1/user/profile%20",
        "/v1/user/profile%3Fa",
        "/v1/user/profile%23a",
        "/v1/user/profile%3Ba",
        "/%2576%2531/user/profile",
        "/v1/user/...",
        "/v1/user/%c0%ae",
        "/v1/user/%c1%b0rofile",
        "/v1/user/%ed%a0%80",
        "/v1/user/%ff",
        "/v1/user/%e2%82",
        "/v1/user/./profile",
        "/v1/../v1/user/profile",
        "/v1/user/..",
        "/v1/user/profile;a=b",
        "/v1/user/profile;",
        "/v1;a=b/user/profile",
        "/v1/user/.;a=b/profile",
        "/v1/x/..;/user/profile",
        "/v1/user/profile\t",
        "/v1/user/profile\0",
        "/v1/user/profile|",
        "/v1/user/\u00e9",
        "ftp://other/v1/user/profile",
        "ws://other/v1/user/profile",
        "http:/v1/user/profile",
        "http:///v1/user/profile",
        "http://a:b@other/v1/user/profile",
        "http://other/v1/user/%70rofile",
        "http://other/v1/./user/profile",
        "http://other/v1/user/profile#x",
        "v1/user/profile",
        "",
        "**",
    ],
)
def test_path_of_several_spellings_is_refused(target: str) -> None:
    """A path that decodes, normalises or reads as another one is refused."""
    assert parsed(target) is None


@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                ["/", "v1", "user", "profile", ".", "..", ";", "%2F", "%2e", "\\", "#"]
            ),
            st.sampled_from([f"%{ord(letter):02x}" for letter in string.ascii_letters]),
        ),
        max_size=12,
    ).map("".join)
)
def test_accepted_path_is_its_own_normal_form(path: str) -> None:
    """Decoding and normalising an accepted path does not change it (RFC 3986, section 6.2.2)."""
    target = parsed(f"/{path}")

    if target is not None:
        assert URL(f"http://host{target.path}").raw_path == target.path
