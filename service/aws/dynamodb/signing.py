"""
AWS Signature Version 4, as botocore's SigV4Auth makes it, without its cost.

The canonical request botocore makes once for each operation: it differs from one to the next only in
moment and body. The key is kept as long as the day and the credentials stay. The rest is
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from hashlib import sha256
from typing import NamedTuple

from botocore.auth import EMPTY_SHA256_HASH, SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

ALGORITHM = "AWS4-HMAC-SHA256"
METHOD = "POST"
_SAMPLE_MOMENT = "19700101T000000Z"
MAX_FORMS = 64  # remembered; a client has one for each operation, until its token changes


class Scope(NamedTuple):
    """Where signatures are good."""

    region: str
    service: str


@dataclass(frozen=True, slots=True)
class _SigningKey:
    """A key, and what it was derived from."""

    secret_key: str | None = field(repr=False)
    day: str
    scope: Scope
    key: bytes = field(repr=False)


class _Form(NamedTuple):
    """What the canonical requests of an operation have around the moment, and the names signed."""

    before: str
    after: str
    names: str


class Signer:
    """Signs POST requests, at the moments of *clock*: seconds since 1970."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._second = -1
        self._moment = ""
        self._forms: dict[tuple[str, ...], _Form] = {}
        self._key: _SigningKey | None = None

    def signed(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        credentials: ReadOnlyCredentials,
        scope: Scope,
    ) -> dict[str, str]:
        """Return *headers* with those of a signature of this moment."""
        moment = self._now()
        signed = {**headers, "X-Amz-Date": moment}
        if credentials.token:
            signed["X-Amz-Security-Token"] = credentials.token
        form = self._form(url, headers, credentials.token)
        canonical = f"{form.before}{moment}{form.after}{sha256(body).hexdigest()}"
        where = f"{moment[:8]}/{scope.region}/{scope.service}/aws4_request"
        to_sign = f"{ALGORITHM}\n{moment}\n{where}\n{sha256(canonical.encode()).hexdigest()}"
        key = self._signing_key(credentials.secret_key, moment[:8], scope)
        signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
        signed["Authorization"] = (
            f"{ALGORITHM} Credential={credentials.access_key}/{where}, "
            f"SignedHeaders={form.names}, Signature={signature}"
        )
        return signed

    def _now(self) -> str:
        second = int(self._clock())
        if second != self._second:
            self._second = second
            self._moment = time.strftime(SIGV4_TIMESTAMP, time.gmtime(second))
        return self._moment

    def _form(self, url: str, headers: Mapping[str, str], token: str | None) -> _Form:
        known_by = (url, token or "", *headers, *headers.values())
        form = self._forms.get(known_by)
        if form is None:
            if len(self._forms) >= MAX_FORMS:
                self._forms.clear()
            form = self._forms[known_by] = _form(url, headers, token)
        return form

    def _signing_key(self, secret_key: str | None, day: str, scope: Scope) -> bytes:
        known = self._key
        if known is None or (known.secret_key, known.day, known.scope) != (secret_key, day, scope):
            parts = (day, scope.region, scope.service, "aws4_request")
            key = reduce(_derived, parts, f"AWS4{secret_key}".encode())
            known = self._key = _SigningKey(secret_key, day, scope, key)
        return known.key


def _form(url: str, headers: Mapping[str, str], token: str | None) -> _Form:
    """Let botocore make a canonical request, and take out of it what changes with each."""
    auth = SigV4Auth(ReadOnlyCredentials("", "", token), "", "")
    sample = {**headers, "X-Amz-Date": _SAMPLE_MOMENT}
    if token:
        sample["X-Amz-Security-Token"] = token
    request = AWSRequest(METHOD, url, headers=sample)
    before, date, after = auth.canonical_request(request).partition("\nx-amz-date:")
    names = auth.signed_headers(auth.headers_to_sign(request))
    after = after.removeprefix(_SAMPLE_MOMENT).removesuffix(EMPTY_SHA256_HASH)
    return _Form(before + date, after, names)


def _derived(key: bytes, part: str) -> bytes:
    return hmac.digest(key, part.encode(), "sha256")
