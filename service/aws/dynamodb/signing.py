"""
AWS Signature Version 4, equal to that of botocore's SigV4Auth at a fraction of its CPU.

botocore makes one canonical request for each operation; later ones differ in time and body alone. The
HMAC of the signing key is cached for the day. The algorithm is
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
import time
from collections.abc import Mapping
from functools import lru_cache, reduce
from hashlib import sha256
from typing import Final, NamedTuple

from botocore.auth import EMPTY_SHA256_HASH, SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from multidict import istr

ALGORITHM: Final = "AWS4-HMAC-SHA256"
METHOD: Final = "POST"
MAX_TEMPLATES: Final = 64  # cached; a client has one for each operation, until its token changes
_SAMPLE_TIME: Final = "19700101T000000Z"
# aiohttp compares names of headers in lower case; those of istr are converted once.
_AUTHORIZATION: Final = istr("Authorization")
_DATE: Final = istr("X-Amz-Date")
_TOKEN: Final = istr("X-Amz-Security-Token")


class Scope(NamedTuple):
    """The region and the service that a signature is valid for."""

    region: str
    service: str


class _Template(NamedTuple):
    """The canonical request of an operation around its time, and the names of the signed headers."""

    before: str
    after: str
    names: str


def sign(  # noqa: PLR0913 -- the inputs of a signature
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    credentials: ReadOnlyCredentials,
    scope: Scope,
    now_s: float,
) -> dict[str, str]:
    """Return the *headers* of a POST request and those of its signature; *now_s* is a Unix time."""
    now = _timestamp(int(now_s))
    day = now[:8]
    template = _template(url, tuple(headers.items()), credentials.token)
    canonical = f"{template.before}{now}{template.after}{sha256(body).hexdigest()}"
    credential_scope = f"{day}/{scope.region}/{scope.service}/aws4_request"
    hashed = sha256(canonical.encode()).hexdigest()
    to_sign = f"{ALGORITHM}\n{now}\n{credential_scope}\n{hashed}"
    signature = _signing_mac(credentials.secret_key, day, scope).copy()
    signature.update(to_sign.encode())
    signed = {**headers, _DATE: now}
    if credentials.token:
        signed[_TOKEN] = credentials.token
    signed[_AUTHORIZATION] = (
        f"{ALGORITHM} Credential={credentials.access_key}/{credential_scope}, "
        f"SignedHeaders={template.names}, Signature={signature.hexdigest()}"
    )
    return signed


@lru_cache(maxsize=1)
def _timestamp(second: int) -> str:
    return time.strftime(SIGV4_TIMESTAMP, time.gmtime(second))


@lru_cache(maxsize=MAX_TEMPLATES)
def _template(url: str, headers: tuple[tuple[str, str], ...], token: str | None) -> _Template:
    """Return the template of botocore's canonical request."""
    auth = SigV4Auth(ReadOnlyCredentials("", "", token), "", "")
    sample = {**dict(headers), _DATE: _SAMPLE_TIME}
    if token:
        sample[_TOKEN] = token
    request = AWSRequest(METHOD, url, headers=sample)
    before, date, after = auth.canonical_request(request).partition("\nx-amz-date:")
    names = auth.signed_headers(auth.headers_to_sign(request))
    after = after.removeprefix(_SAMPLE_TIME).removesuffix(EMPTY_SHA256_HASH)
    return _Template(before + date, after, names)


@lru_cache(maxsize=2)  # the current one, and the next one for a moment
def _signing_mac(secret_key: str | None, day: str, scope: Scope) -> hmac.HMAC:
    """Return the HMAC of nothing yet under the signing key, to be copied for each signature."""
    parts = (day, scope.region, scope.service, "aws4_request")
    return hmac.new(reduce(_hmac, parts, f"AWS4{secret_key}".encode()), digestmod="sha256")


def _hmac(key: bytes, part: str) -> bytes:
    return hmac.digest(key, part.encode(), "sha256")
