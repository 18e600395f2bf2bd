"""A proxy's URL that no connection can use ends the start, and its password stays unknown."""

import pytest
from botocore.exceptions import InvalidConfigError

from service.aws.connection_settings import proxy_for
from service.aws.http_session import VerifiedSession


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1",
        "http://user:hidden@127.0.0.1:abc",
        "http://user:hidden@proxy.example.com:99999",
        "socks5://proxy.example.com:1080",
        "socks5h://user:hidden@proxy.example.com:1080",
        "ftp://proxy.example.com",
        "HTTP://proxy.example.com:3128",
        "http://",
        "http:/proxy.example.com:3128",
        "http://proxy example.com",
    ],
)
def test_proxy_that_cannot_be_used_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Other schemes and what is no URL are refused with the names of the variables and an example."""
    monkeypatch.setenv("HTTPS_PROXY", url)

    for use in (
        lambda: VerifiedSession(proxies={"https": url}),
        lambda: proxy_for("https://api.example.com/"),
    ):
        with pytest.raises(InvalidConfigError, match=r"HTTPS_PROXY.*http://proxy\.example\.com"):
            use()
        with pytest.raises(InvalidConfigError) as raised:
            use()
        assert "hidden" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:3128",
        "127.0.0.1:3128",
        "//proxy:3128",
        "proxy",
        "https://user:p%40ss@proxy.example.com:443/",
        "http://[::1]:3128",
        "http://user:@proxy_1:3128",
    ],
)
def test_proxy_that_can_be_used_is_accepted(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """HTTP and HTTPS are accepted, with credentials, and without a scheme as botocore does."""
    monkeypatch.setenv("HTTPS_PROXY", url)

    VerifiedSession(proxies={"https": url})
    assert proxy_for("https://api.example.com/") is not None


def test_other_variables_of_proxies_are_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_PROXY and ALL_PROXY, which urllib lists beside them, are no proxies of ours."""
    monkeypatch.setenv("NO_PROXY", "a.example, b.example")
    monkeypatch.setenv("ALL_PROXY", "socks5://proxy.example.com:1080")
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    monkeypatch.delenv("https_proxy", raising=False)

    VerifiedSession(proxies={"no": "a.example, b.example", "all": "socks5://proxy:1080"})
    assert proxy_for("https://api.example.com/") is None
