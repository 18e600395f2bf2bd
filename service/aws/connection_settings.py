"""What the environment says about outgoing connections: proxies and certificate authorities."""

from __future__ import annotations

import ssl

from botocore.exceptions import InvalidConfigError
from botocore.httpsession import ProxyConfiguration
from botocore.utils import get_environ_proxies
from yarl import URL


def check_ca_bundle(path: str) -> None:
    """Raise InvalidConfigError if the file *path* has no certificates that can be loaded."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError as error:  # ssl.SSLError is one
        raise InvalidConfigError(
            error_msg=f"There are no certificates in {path}, which AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE or "
            "ca_bundle of the AWS profile names"
        ) from error


def check_proxy(url: str | None) -> None:
    """Raise InvalidConfigError if *url* is that of no HTTP proxy; the message is without its password."""
    if url is None:
        return
    try:
        parts = URL(url)  # botocore puts "http://" before other schemes: the rest is a path
        is_http = parts.scheme in ("http", "https") and parts.path in ("", "/")
        is_usable = is_http and parts.host and parts.port
    except ValueError:
        is_usable = False
    if not is_usable or " " in url:
        raise InvalidConfigError(
            error_msg="HTTPS_PROXY or HTTP_PROXY is not the URL of an HTTP proxy, such as "
            "http://proxy.example.com:3128 (SOCKS is not supported)"
        )


def proxy_for(url: str) -> str | None:
    """
    Return the URL of the proxy for *url* by HTTPS_PROXY, HTTP_PROXY and NO_PROXY, None for none.

    Raises InvalidConfigError for a proxy that cannot be used.
    """
    found: str | None = ProxyConfiguration(get_environ_proxies(url)).proxy_url_for(url)
    check_proxy(found)
    return found
