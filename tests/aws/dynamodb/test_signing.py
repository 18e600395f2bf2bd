"""Signatures are those of botocore's signer."""

import itertools
from datetime import UTC, datetime

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.aws.dynamodb.signing import MAX_TEMPLATES, Scope, sign

visible = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,20}", fullmatch=True).filter(
    lambda name: name.lower() not in {"authorization", "date", "x-amz-content-sha256", "host"}
)
NOW_S = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
URLS = [
    "https://dynamodb.ap-south-1.amazonaws.com/",
    "https://123456789012.ddb.us-east-1.amazonaws.com/",
    "https://DynamoDB.example:443/",
    "http://localhost:8000/",
    "http://localhost:80/",
    "http://[::1]:8000/",
    "http://127.0.0.1:8000/a/../b//c%20d/ü",
    "http://127.0.0.1:8000/?b=2&a=1&a",
]


def _expected(
    url: str, headers: dict[str, str], body: bytes, credentials: ReadOnlyCredentials, scope: Scope
) -> str:
    """Return botocore's Authorization header for signed headers, at their time."""
    auth = SigV4Auth(credentials, scope.service, scope.region)
    request = AWSRequest("POST", url, headers=headers, data=body)
    request.context["timestamp"] = headers["X-Amz-Date"]
    to_sign = auth.string_to_sign(request, auth.canonical_request(request))
    return (
        f"AWS4-HMAC-SHA256 Credential={auth.scope(request)}, "
        f"SignedHeaders={auth.signed_headers(auth.headers_to_sign(request))}, "
        f"Signature={auth.signature(to_sign, request)}"
    )


@given(
    url=st.sampled_from(URLS),
    headers=st.dictionaries(names, values, max_size=5),
    body=st.binary(max_size=60),
    access_key=visible,
    secret_key=visible,
    token=st.none() | visible,
    region=visible,
)
@example("http://a/", {"User-Agent": "x", "X-A": "  a   b "}, b"", "AKIA", "s", None, "r")
@example("http://a/", {"Expect": "x", "x-amzn-trace-id": "1"}, b"{}", "AKIA", "s", "t", "r")
@settings(derandomize=True, deadline=None, max_examples=300)
def test_signature_is_botocores(  # noqa: PLR0913, PLR0917 -- the inputs of a signature
    url: str,
    headers: dict[str, str],
    body: bytes,
    access_key: str,
    secret_key: str,
    token: str | None,
    region: str,
) -> None:
    """The signature equals botocore's for all requests, credentials and regions."""
    distinct = {name.lower(): (name, value) for name, value in headers.items()}
    credentials = ReadOnlyCredentials(access_key, secret_key, token)
    scope = Scope(region, "dynamodb")

    signed = sign(
        url, dict(distinct.values()), body, credentials=credentials, scope=scope, now_s=NOW_S
    )

    authorization = signed.pop("Authorization")
    assert signed.get("X-Amz-Security-Token") == token
    assert authorization == _expected(url, signed, body, credentials, scope)


def test_key_changes_with_the_day() -> None:
    """At midnight (UTC) a new key is derived."""
    midnight = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
    credentials, scope = ReadOnlyCredentials("a", "b", None), Scope("us-east-1", "dynamodb")

    times = {-0.1: "20261123T235959Z", 0: "20261124T000000Z", 1: "20261124T000001Z"}
    for offset_s, timestamp in times.items():
        now_s = midnight + offset_s
        signed = sign(URLS[0], {}, b"{}", credentials=credentials, scope=scope, now_s=now_s)
        authorization = signed.pop("Authorization")
        assert signed == {"X-Amz-Date": timestamp}
        assert authorization == _expected(URLS[0], signed, b"{}", credentials, scope)


def test_signature_is_right_after_more_tokens_than_are_cached() -> None:
    """A template that has left the cache is made again."""
    scope = Scope("us-east-1", "dynamodb")

    for number in range(2 * MAX_TEMPLATES + 1):
        credentials = ReadOnlyCredentials("a", "b", f"token {number}")
        signed = sign(URLS[0], {}, b"{}", credentials=credentials, scope=scope, now_s=NOW_S)
        authorization = signed.pop("Authorization")
        assert authorization == _expected(URLS[0], signed, b"{}", credentials, scope)


def test_key_depends_on_the_credentials_the_region_and_the_service() -> None:
    """A signer can sign for different credentials, regions and services in turn."""
    all_credentials = [ReadOnlyCredentials("a", secret, None) for secret in ("one", "other")]
    scopes = [
        Scope("us-east-1", "dynamodb"),
        Scope("eu-west-1", "dynamodb"),
        Scope("us-east-1", "s"),
    ]

    for credentials, scope in [*itertools.product(all_credentials, scopes)] * 2:
        signed = sign(URLS[0], {}, b"{}", credentials=credentials, scope=scope, now_s=NOW_S)
        authorization = signed.pop("Authorization")
        assert authorization == _expected(URLS[0], signed, b"{}", credentials, scope)
