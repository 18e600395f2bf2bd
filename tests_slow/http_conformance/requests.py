"""
The raw requests, by kind, each with the statuses of its responses.

The bytes after a request's end, or inside its body, often look like a request too: a response to that
would be request smuggling. tests/server/test_protocol.py has others, with the code of each refusal.
"""

import gzip
import zlib
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

MARKER: Final = (
    b"SECRETMARKER"  # occurs in every request, and must not occur in responses and log lines
)
MAX_BODY_BYTES: Final = 2_048  # the limit of the server under test

_HOST: Final = b"Host: localhost\r\nCookie: " + MARKER + b"\r\n"
_LIVE: Final = b"GET /health/live HTTP/1.1\r\n"
_GET: Final = b"GET /v1/user/profile HTTP/1.1\r\n" + _HOST
_JSON: Final = b"Content-Type: application/json\r\n"
_POST: Final = (
    b"POST /v1/user/profile HTTP/1.1\r\n" + _HOST + b"x-amzn-oidc-identity: alice\r\n" + _JSON
)
_SIGNUP: Final = b"POST /api/auth/signup HTTP/1.1\r\n" + _HOST + _JSON
_NEXT: Final = b"GET /health/live?" + MARKER + b" HTTP/1.1\r\nHost: a\r\n\r\n"
_CHUNKED: Final = _POST + b"Transfer-Encoding: chunked\r\n\r\n"


class Request(NamedTuple):
    """
    The bytes, and the statuses of the responses; none for an incomplete request.

    An unreadable request also discards unhandled requests before it in the same packet: then the statuses
    are those of *at_once*.
    """

    name: str
    text: bytes
    statuses: tuple[int, ...]
    at_once: tuple[int, ...] | None = None


def _sized(head: bytes, body: bytes) -> bytes:
    """Return a request with a body and its Content-Length."""
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def _transfer_codings() -> Iterator[Request]:
    """Yield spellings of `Transfer-Encoding`, each beside a length, and alone."""
    spellings = {
        "chunked": b"Transfer-Encoding: chunked",
        "in capitals": b"TRANSFER-ENCODING: CHUNKED",
        "without a space": b"Transfer-Encoding:chunked",
        "after a tab": b"Transfer-Encoding:\tchunked",
        "before spaces": b"Transfer-Encoding: chunked  ",
        "before a comma": b"Transfer-Encoding: chunked,",
        "after a comma": b"Transfer-Encoding: ,chunked",
        "after cow": b"Transfer-Encoding: cow, chunked",
        "before cow": b"Transfer-Encoding: chunked, cow",
        "with a parameter": b"Transfer-Encoding: chunked;q=1",
        "in quotes": b'Transfer-Encoding: "chunked"',
        "in single quotes": b"Transfer-Encoding: 'chunked'",
        "cut": b"Transfer-Encoding: chunke",
        "with NUL": b"Transfer-Encoding: chunked\0",
        "with a form feed": b"Transfer-Encoding: \x0cchunked",
        "with a byte of Latin-1": b"Transfer-Encoding: chunked\xa0",
        "with a Kelvin sign": "Transfer-Encoding: chun\u212aed".encode(),
        "on a folded line": b"Transfer-Encoding:\r\n chunked",
        "folded": b"Transfer-Encoding: chunked\r\n\tcow",
        "space before the colon": b"Transfer-Encoding : chunked",
        "space before the name": b" Transfer-Encoding: chunked",
        "vertical tab in the name": b"Transfer-Encoding\x0b: chunked",
        "behind a bare LF": b"A: b\nTransfer-Encoding: chunked",
        "behind a bare CR": b"A: b\rTransfer-Encoding: chunked",
        "behind LF CR": b"A: b\n\rTransfer-Encoding: chunked",
        "then identity": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "after identity": b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
        "compress": b"Transfer-Encoding: compress",
        "gzip": b"Transfer-Encoding: gzip",
        "deflate, chunked": b"Transfer-Encoding: deflate, chunked",
        "nothing": b"Transfer-Encoding:",
    }
    for name, line in spellings.items():
        head = _POST + line + b"\r\n"
        yield Request(
            f"coding {name} and a length",
            head + b"Content-Length: 5\r\n\r\n0\r\n\r\n" + _NEXT,
            (400,),
        )
        # Without a valid coding there is no body, and its bytes are a bad request.
        yield Request(f"coding {name}", head + b"\r\nzz\r\n" + MARKER + b"\r\n", (400,))
    for name, line, status in (
        ("in another field", b"Content-Encoding: chunked", 415),
        ("with an underscore", b"Transfer_Encoding: chunked", 400),
        ("of a prefix", b"X-Transfer-Encoding: chunked", 400),
    ):
        yield Request(
            f"coding {name}", _POST + line + b"\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", (status,)
        )


def _lengths() -> Iterator[Request]:
    values = {
        "plus": b"+5",
        "minus zero": b"-0",
        "a comma": b"5,",
        "a list": b"5, 5",
        "another list": b"5,6",
        "a decimal": b"5.0",
        "an exponent": b"5e0",
        "octal": b"0o5",
        "binary": b"0b101",
        "a space inside": b"1 5",
        "a semicolon": b"5;",
        "quotes": b'"5"',
        "a letter": b"5a",
        "NUL": b"5\0",
        "full-width": "\uff15".encode(),
        "Arabic": "\u0665".encode(),
        "superscript": b"\xb2",
        "nothing": b"",
        "32 bits": b"4294967301",
        "64 bits": b"18446744073709551621",
        "500 digits": b"9" * 500,
        "NaN": b"NaN",
    }
    for name, value in values.items():
        # A numeric length beyond the limit is refused at once.
        status = 413 if value == b"4294967301" else 400
        text = _POST + b"Content-Length: " + value + b"\r\n\r\n{}   " + _NEXT
        yield Request(f"length {name}", text, (status,))
    for name, lines in {
        "twice": b"Content-Length: 5\r\nContent-Length: 5\r\n",
        "twice, apart": b"Content-Length: 5\r\nA: b\r\ncontent-length: 5\r\n",
        "two": b"Content-Length: 5\r\nContent-Length: 50\r\n",
        "two, one empty": b"Content-Length:\r\nContent-Length: 5\r\n",
        "folded": b"Content-Length: \r\n 5\r\n",
        "space before the colon": b"Content-Length : 5\r\n",
        "behind a bare LF": b"A: b\nContent-Length: 5\r\n",
        "behind a bare CR": b"A: b\rContent-Length: 5\r\n",
    }.items():
        yield Request(f"length {name}", _POST + lines + b"\r\n{}   " + _NEXT, (400,))
    yield Request("length in leading zeros", _POST + b"Content-Length: 0000002\r\n\r\n{}", (200,))
    yield Request("length after a tab", _POST + b"Content-Length:\t2 \r\n\r\n{}", (200,))
    yield Request(
        "length too short", _POST + b"Content-Length: 1\r\n\r\n{}" + _NEXT, (400, 400), (400,)
    )
    yield Request("length that is cut", _POST + b"Content-Length: 50\r\n\r\n{}", ())


def _chunks() -> Iterator[Request]:
    bad = {
        "size minus": b"-1\r\n",
        "size plus": b"+2\r\n{}\r\n0\r\n\r\n",
        "size 0x": b"0x2\r\n{}\r\n0\r\n\r\n",
        "size 0X": b"0X2\r\n{}\r\n0\r\n\r\n",
        "size with an underscore": b"0_2\r\n{}\r\n0\r\n\r\n",
        "size of 17 digits": b"10000000000000002\r\n{}\r\n0\r\n\r\n",
        "size of 500 digits": b"f" * 500 + b"\r\n",
        "size empty": b"\r\n{}\r\n0\r\n\r\n",
        "size after a space": b" 2\r\n{}\r\n0\r\n\r\n",
        "size after a tab": b"\t2\r\n{}\r\n0\r\n\r\n",
        "size before a tab": b"2\t\r\n{}\r\n0\r\n\r\n",
        "size full-width": "\uff12\r\n{}\r\n0\r\n\r\n".encode(),
        "size and NUL": b"2\0\r\n{}\r\n0\r\n\r\n",
        "size and bare CR": b"2\r{}\r\n0\r\n\r\n",
        "size and bare LF": b"2\n{}\r\n0\r\n\r\n",
        "size and LF CR": b"2\n\r{}\r\n0\r\n\r\n",
        "no end of a chunk": b"2\r\n{}0\r\n\r\n",
        "bare LF after a chunk": b"2\r\n{}\n0\r\n\r\n",
        "bare CR after a chunk": b"2\r\n{}\r0\r\n\r\n",
        "two bytes after a chunk": b"2\r\n{}xx0\r\n\r\n",
        "chunk too short": b"5\r\n{}\r\n0\r\n\r\n" + _NEXT,
        "chunk too long": b"1\r\n{}\r\n0\r\n\r\n" + _NEXT,
        "extension with NUL": b"2;a=\0\r\n{}\r\n0\r\n\r\n",
        "extension with bare LF": b"2;\n{}\r\n0\r\n\r\n",
        "trailer without colon": b"2\r\n{}\r\n0\r\n" + MARKER + b"\r\n\r\n",
        "trailer with NUL": b"2\r\n{}\r\n0\r\na: \0\r\n\r\n",
        "trailer folded": b"2\r\n{}\r\n0\r\na: b\r\n c\r\n\r\n",
        "trailer of 40 KB": b"2\r\n{}\r\n0\r\na: " + b"a" * 40_000 + b"\r\n\r\n",
        "trailer of a length": b"2\r\n{}\r\n0\r\nContent-Length: 50\r\n\r\n",
        "trailer of a coding": b"2\r\n{}\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "request for a chunk": _NEXT,
    }
    for name, body in bad.items():
        yield Request(f"chunks, {name}", _CHUNKED + body, (400,))
    good = {
        "zeros before the size": b"0000002\r\n{}\r\n0\r\n\r\n",
        "many zeros for the last": b"2\r\n{}\r\n000\r\n\r\n",
        "extension": b'2;a="b;c"\r\n{}\r\n0;d\r\n\r\n',
        "extension of 40 KB": b"2;" + b"a" * 40_000 + b"\r\n{}\r\n0\r\n\r\n",
        "a byte each": b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
        "trailer of a Host": b"2\r\n{}\r\n0\r\nHost: " + MARKER + b"\r\n\r\n",
    }
    for name, body in good.items():
        yield Request(f"chunks, {name}", _CHUNKED + body, (200,))
        yield Request(f"chunks, {name}, and a request", _CHUNKED + body + _NEXT, (200,), (400,))
    yield Request("chunks of nothing", _CHUNKED + b"0\r\n\r\n", (400,))
    large = b"800\r\n" + b" " * 2_048 + b"\r\n"
    yield Request("chunks, too many", _CHUNKED + large * 3 + b"0\r\n\r\n", (413,))
    yield Request("chunks that stop", _CHUNKED + b"2\r\n{", ())
    yield Request(
        "chunks in HTTP/1.0", (_CHUNKED + b"0\r\n\r\n").replace(b"P/1.1", b"P/1.0") + _NEXT, (400,)
    )


def _start_lines() -> Iterator[Request]:
    lines = {
        "nothing but spaces": b"   ",
        "HTTP/0.9": b"GET /health/live",
        "HTTP/0.9 and a space": b"GET /health/live ",
        "HTTP/0.9 by name": b"GET /health/live HTTP/0.9",
        "HTTP/1": b"GET /health/live HTTP/1",
        "HTTP/1.": b"GET /health/live HTTP/1.",
        "HTTP/01.1": b"GET /health/live HTTP/01.1",
        "HTTP/1.01": b"GET /health/live HTTP/1.01",
        "HTTP/1.9": b"GET /health/live HTTP/1.9",
        "HTTP/2": b"GET /health/live HTTP/2",
        "HTTP/3.0": b"GET /health/live HTTP/3.0",
        "HTTP/11.1": b"GET /health/live HTTP/11.1",
        "HTTP/-1.1": b"GET /health/live HTTP/-1.1",
        "HTTP/1,1": b"GET /health/live HTTP/1,1",
        "HTTP 1.1": b"GET /health/live HTTP 1.1",
        "HTTPS/1.1": b"GET /health/live HTTPS/1.1",
        "RTSP/1.0": b"GET /health/live RTSP/1.0",
        "RTSP/1.1": b"POST /api/auth/login RTSP/1.1",
        "RTSP/1.0 of all": b"OPTIONS * RTSP/1.0",
        "ICE/1.0": b"SOURCE /health/live ICE/1.0",
        "HTTP/1.1 twice": b"GET /health/live HTTP/1.1 HTTP/1.1",
        "full-width version": "GET /health/live HTTP/\uff11.1".encode(),
        "a word more": b"GET /health/live " + MARKER + b" HTTP/1.1",
        "NUL in the target": b"GET /health/live\0 HTTP/1.1",
        "NUL in the method": b"GE\0T /health/live HTTP/1.1",
        "control byte in the target": b"GET /health/\x01live HTTP/1.1",
        "DEL in the target": b"GET /health/\x7flive HTTP/1.1",
        "a bare CR in the target": b"GET /health/\rlive HTTP/1.1",
        "a tab in the target": b"GET /health/\tlive HTTP/1.1",
        "raw UTF-8 in the target": "GET /health/\u00e9 HTTP/1.1".encode(),
        "no target": b"GET HTTP/1.1",
        "two spaces for a target": b"GET  HTTP/1.1",
        "method alone": b"GET",
        "method in lower case": b"get /health/live HTTP/1.1",
        "method with a bracket": b"GET[] /health/live HTTP/1.1",
        "method of 10 KB": b"A" * 10_000 + b" /health/live HTTP/1.1",
        "CONNECT": b"CONNECT localhost:22 HTTP/1.1",
        "CONNECT to an address": b"CONNECT http://localhost/ HTTP/1.1",
        "CONNECT to an asterisk": b"CONNECT * HTTP/1.1",
        "asterisk of a GET": b"GET * HTTP/1.1",
        "target without a slash": b"GET health/live HTTP/1.1",
        "target of a file": b"GET file:///etc/passwd HTTP/1.1",
        "target of a script": b"GET javascript:alert(1) HTTP/1.1",
        "target that is a query": b"GET ?" + MARKER + b" HTTP/1.1",
        "target with a backslash": b"GET \\health\\live HTTP/1.1",
        "target of an address without end": b"GET http://[::1 HTTP/1.1",
        "target with a port that is none": b"GET http://localhost:port/ HTTP/1.1",
        "target with a port beyond 16 bits": b"GET http://localhost:99999/health/live HTTP/1.1",
        "target without a name": b"GET http:///health/live HTTP/1.1",
        "target of a name that is no Punycode": b"GET http://xn--/health/live HTTP/1.1",
        "target of a label of Punycode alone": b"GET http://a.xn--a/health/live HTTP/1.1",
        "target with a scheme alone": b"GET http: HTTP/1.1",
        "target of 20 KB": b"GET /" + b"a" * 20_000 + b" HTTP/1.1",
        "query of 20 KB": b"GET /health/live?" + b"a" * 20_000 + b" HTTP/1.1",
    }
    for name, line in lines.items():
        yield Request(f"line, {name}", line + b"\r\n" + _HOST + b"\r\n", (400,))
    for name, text in {
        "a greeting of SSH": b"SSH-2.0-" + MARKER + b"\r\n",
        "a greeting of SMTP": b"EHLO " + MARKER + b"\r\n",
        "an answer of HTTP": b"HTTP/1.1 200 OK\r\n" + _HOST + b"\r\n",
        "a RESP command": b"*1\r\n$4\r\nPING\r\n" + MARKER,
        "JSON": b'{"a": "' + MARKER + b'"}\r\n\r\n',
        "the hello of TLS 1.3": b"\x16\x03\x01\x00\xf4\x01\x00\x00\xf0\x03\x03" + MARKER,
        "a proxy header of version 2": b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + MARKER,
        "noise": bytes(range(255, 127, -1)) + MARKER,
        "NULs": b"\0" * 64 + MARKER,
        "100 empty lines and noise": b"\r\n" * 100 + b"\xff" + MARKER,
    }.items():
        yield Request(f"instead of a request, {name}", text, (400,))
    yield Request("half a line", b"GET /" + MARKER, ())


def _targets() -> Iterator[Request]:
    for name, line, status in (
        ("OPTIONS of all", b"OPTIONS * HTTP/1.1", 404),
        ("OPTIONS", b"OPTIONS /health/live HTTP/1.1", 204),
        ("HEAD", b"HEAD /health/live HTTP/1.1", 200),
        ("TRACE", b"TRACE /health/live HTTP/1.1", 405),
        ("DELETE", b"DELETE /health/live HTTP/1.1", 405),
        ("a method of WebDAV", b"PROPFIND /health/live HTTP/1.1", 405),
        ("absolute", b"GET http://example.com/health/live HTTP/1.1", 200),
        ("absolute with a port", b"GET http://example.com:81/health/live HTTP/1.1", 200),
        ("absolute with a user", b"GET http://a:b@example.com/health/live HTTP/1.1", 400),
        ("absolute without a path", b"GET http://example.com HTTP/1.1", 404),
        ("two slashes", b"GET //health/live HTTP/1.1", 404),
        ("another host after two slashes", b"GET //example.com/health/live HTTP/1.1", 404),
        ("up", b"GET /health/../../etc/passwd HTTP/1.1", 400),
        ("up, encoded", b"GET /docs/..%2f..%2fetc%2fpasswd HTTP/1.1", 400),
        ("up, encoded twice", b"GET /docs/%252e%252e%252fapp.py HTTP/1.1", 400),
        ("up, overlong", b"GET /docs/%c0%ae%c0%ae/app.py HTTP/1.1", 400),
        ("up by backslashes", b"GET /docs/..\\..\\app.py HTTP/1.1", 400),
        ("half an escape", b"GET /docs/% HTTP/1.1", 400),
        ("an escape of nothing", b"GET /docs/%zz HTTP/1.1", 400),
        ("NUL in an escape", b"GET /docs/page.js%00.css HTTP/1.1", 400),
        ("lines in an escape", b"GET /%0d%0aSet-Cookie:%20a=b HTTP/1.1", 400),
        ("a surrogate in an escape", b"GET /docs/%ed%a0%80 HTTP/1.1", 400),
        ("not UTF-8 in an escape", b"GET /docs/%ff%fe HTTP/1.1", 400),
        ("a semicolon", b"GET /health/live;a=b HTTP/1.1", 400),
        ("a slash at the end", b"GET /health/live/ HTTP/1.1", 404),
        ("in capitals", b"GET /HEALTH/LIVE HTTP/1.1", 404),
        ("an escaped letter", b"GET /health/%6cive HTTP/1.1", 400),
        ("an escaped letter in a name", b"GET /docs/page%2Ejs HTTP/1.1", 400),
        ("an escaped separator", b"GET /health%2flive HTTP/1.1", 400),
        ("an escaped backslash", b"GET /health%5Clive HTTP/1.1", 400),
        ("an escaped space", b"GET /docs/page%20js HTTP/1.1", 404),
        ("an escape of four digits", b"GET /health/%u006cive HTTP/1.1", 400),
        ("dots with a parameter", b"GET /docs/..;a/app.py HTTP/1.1", 400),
        ("a dot for a segment", b"GET /health/./live HTTP/1.1", 400),
        ("a dot at the end", b"GET /health/live. HTTP/1.1", 400),
        ("a bracket", b"GET /health/live[ HTTP/1.1", 400),
        ("a fragment", b"GET /health/live#x HTTP/1.1", 400),
        ("a fragment after a query", b"GET /health/live?a#x HTTP/1.1", 400),
        ("another scheme", b"GET ftp://localhost/health/live HTTP/1.1", 400),
        ("a scheme in capitals", b"GET HTTP://localhost/health/live HTTP/1.1", 200),
        ("absolute with an escaped letter", b"GET http://localhost/health/%6cive HTTP/1.1", 400),
        ("absolute, up", b"GET http://localhost/docs/../health/live HTTP/1.1", 400),
        ("a query of noise", b"GET /health/live?%00&&==&%zz HTTP/1.1", 200),
        ("a query of brackets", b"GET /health/live?a[]={}|^` HTTP/1.1", 200),
        ("1,000 segments", b"GET " + b"/a" * 1_000 + b" HTTP/1.1", 404),
    ):
        yield Request(
            f"target, {name}", line + b"\r\n" + _HOST + b"Connection: close\r\n\r\n", (status,)
        )


def _fields() -> Iterator[Request]:
    bad = {
        "Host twice": b"Host: localhost\r\nHost: localhost\r\n",
        "Host with a comma and a space": b"Host: a, b\r\n",
        "Host with a tab inside": b"Host: a\tb\r\n",
        "Host with a port that is none": b"Host: a:b\r\n",
        "Host with two ports": b"Host: a:1:2\r\n",
        "Host with a user": b"Host: a@b\r\n",
        "Host with a query": b"Host: a?b\r\n",
        "Host with a fragment": b"Host: a#b\r\n",
        "Host with a backslash": b"Host: a\\b\r\n",
        "Host with angle brackets": b"Host: <script>\r\n",
        "Host with quotes": b'Host: "a"\r\n',
        "Host that is an address": b"Host: http://a/\r\n",
        "Host with a byte of Latin-1": b"Host: \xe9\r\n",
        "Host with NUL": b"Host: a\0\r\n",
        "Host, folded": b"Host: a\r\n b\r\n",
        "Host of IPv6 without brackets": b"Host: ::1\r\n",
        "name of 40 KB": b"Host: a\r\n" + b"a" * 40_000 + b": b\r\n",
        "value of 40 KB": b"Host: a\r\na: " + b"b" * 40_000 + b"\r\n",
        "fields of 90 KB in all": b"Host: a\r\n" + (b"a: " + b"b" * 9_000 + b"\r\n") * 10,
        "1,000 fields": b"Host: a\r\n" + b"a: b\r\n" * 1_000,
        "1,000 names": b"Host: a\r\n" + b"".join(b"a%d: b\r\n" % number for number in range(1_000)),
        "name with a space": b"Host: a\r\na b: c\r\n",
        "name with a slash": b"Host: a\r\na/b: c\r\n",
        "name with a comma": b"Host: a\r\na,b: c\r\n",
        "name with quotes": b'Host: a\r\n"a": c\r\n',
        "name with parentheses": b"Host: a\r\n(a): c\r\n",
        "name with an at sign": b"Host: a\r\na@b: c\r\n",
        "name with NUL": b"Host: a\r\na\0: c\r\n",
        "name with DEL": b"Host: a\r\na\x7f: c\r\n",
        "name with an escape": b"Host: a\r\n\x1b[2J: c\r\n",
        "name of Latin-1": b"Host: a\r\n\xe9: c\r\n",
        "name of UTF-8": "Host: a\r\n\u00e9: c\r\n".encode(),
        "name that is empty": b"Host: a\r\n: c\r\n",
        "line without a colon": b"Host: a\r\nabc\r\n",
        "value with NUL": b"Host: a\r\na: \0\r\n",
        "value with a bell": b"Host: a\r\na: \x07\r\n",
        "value with a backspace": b"Host: a\r\na: \x08\r\n",
        "value with a vertical tab": b"Host: a\r\na: \x0b\r\n",
        "value with an escape": b"Host: a\r\na: \x1b]0;b\r\n",
        "value with DEL": b"Host: a\r\na: \x7f\r\n",
        "value with a bare CR": b"Host: a\r\na: b\rc\r\n",
        "value with a bare LF": b"Host: a\r\na: b\nc\r\n",
        "folded by a space": b"Host: a\r\na: b\r\n c\r\n",
        "folded by a tab": b"Host: a\r\na: b\r\n\tc\r\n",
        "folded at once": b"Host: a\r\na:\r\n b\r\n",
        "first line folded": b" Host: a\r\n",
        "CR CR LF": b"Host: a\r\r\n",
        "Expect of something else": b"Host: a\r\nExpect: 200-ok\r\n",
    }
    for name, lines in bad.items():
        cookie = b"Cookie: " + MARKER + b"\r\n"
        yield Request(f"field, {name}", _LIVE + lines + cookie + b"\r\n", (400,))
    yield Request("field, no Host", _LIVE + b"Cookie: " + MARKER + b"\r\n\r\n", (400,))
    good = {
        "value of Latin-1": b"a: \xe9\r\n",
        "value of UTF-8": "a: \u00e9\r\n".encode(),
        "value with a tab inside": b"a: b\tc\r\n",
        "value with spaces around": b"a: \t b \t \r\n",
        "value that is empty": b"a:\r\n",
        "name of all that is allowed": b"!#$%&'*+-.^_`|~0Aa: b\r\n",
        "100 fields": b"a: b\r\n" * 100,
        "fields of 60 KB in all": (b"a: " + b"b" * 10_000 + b"\r\n") * 6,
        "a field that ends in another protocol": b"Via: 1.1 RTSP/1.0\r\n",
        "upgrade to WebSocket": b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
        "upgrade to HTTP/2": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n",
        "upgrade to TLS": b"Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n",
        "Connection of a field": b"Connection: x-amzn-oidc-identity\r\n",
        "Connection of all": b"Connection: close, keep-alive, Upgrade\r\n",
        "Connection of nothing": b"Connection: ,,\r\n",
        "Keep-Alive for ever": b"Keep-Alive: timeout=999999999\r\n",
        "Range of noise": b"Range: bytes=\xb2-,-\r\n",
        "Accept of noise": b"Accept: ;;;q=2,*/\r\n",
        "Accept-Encoding of noise": b"Accept-Encoding: gzip;q=nan, \xff\r\n",
        "Cookie of noise": b'Cookie: =;=;;a="\\"; b\xff\r\n',
        "If-None-Match of noise": b'If-None-Match: "\r\n',
        "If-Modified-Since of noise": b"If-Modified-Since: 99 Foo 99999 99:99:99 GMT\r\n",
        "X-Request-Id of lines": b"X-Request-Id: a\xc2\x85" + MARKER + b"\r\n",
        "X-Forwarded-For of noise": b"X-Forwarded-For: ,,::,%00," + b"1," * 999 + b"\r\n",
        "Origin of noise": b"Origin: http://[::\r\n",
        "Traceparent of noise": b"traceparent: 00-" + b"0" * 300 + b"\r\n",
        "Content-Type of noise": b'Content-Type: ;;charset="\\\r\n',
    }
    for name, lines in good.items():
        yield Request(f"field, {name}", _LIVE + _HOST + lines + b"\r\n", (200,))
    expecting = _LIVE + _HOST + b"Expect: 100-continue\r\n\r\n"
    yield Request("field, Expect of nothing", expecting, (100, 200))
    for name, lines in {
        "Authorization of nothing": b"Authorization:\r\n",
        "Authorization of another kind": b"Authorization: Basic YTpi\r\n",
        "Authorization of a name": b"Authorization: Bearer\r\n",
        "Authorization of dots": b"Authorization: Bearer ..\r\n",
        "Authorization of 15 KB": b"Authorization: Bearer " + b"a." * 7_500 + b"\r\n",
        "Authorization that is cut": b"Authorization: Bearer eyJhbGciOiJub25lIn0\r\n",
        "identity of a comma": b"x-amzn-oidc-identity: alice, bob\r\n",
        "identity of 300 letters": b"x-amzn-oidc-identity: " + b"a" * 300 + b"\r\n",
        "identity of nothing": b"x-amzn-oidc-identity:\r\n",
        "identity of a tab": b"x-amzn-oidc-identity: a\tb\r\n",
        "identity of Latin-1": b"x-amzn-oidc-identity: \xe9\r\n",
        "identity twice": b"x-amzn-oidc-identity: alice\r\n" * 2,
    }.items():
        yield Request(f"field, {name}", _GET + lines + b"\r\n", (401,))


def _bodies() -> Iterator[Request]:
    texts = {
        "nothing": b"",
        "a space": b" ",
        "a BOM alone": b"\xef\xbb\xbf",
        "two BOMs": b"\xef\xbb\xbf" * 2 + b"{}",
        "UTF-16": '{"city": "Pune"}'.encode("utf-16"),
        "not UTF-8": b'{"city": "\xff"}',
        "overlong UTF-8": b'{"city": "\xc0\xaf"}',
        "a raw surrogate": b'{"city": "\xed\xa0\x80"}',
        "an escaped surrogate": b'{"city": "\\ud800"}',
        "a name that is a surrogate": b'{"\\udfff": 1}',
        "a name twice": b'{"city": "a", "city": "b"}',
        "a name twice, escaped": b'{"city": "a", "\\u0063ity": "b"}',
        "a comma too many": b'{"city": "a",}',
        "a comment": b'{"city": "a"} // b',
        "single quotes": b"{'city': 'a'}",
        "NaN": b'{"preferences": {"a": NaN}}',
        "Infinity": b'{"preferences": {"a": -Infinity}}',
        "a control byte": b'{"city": "a\x01"}',
        "a NUL": b'{"city": "a"}\0',
        "two values": b"{}{}",
        "an array": b"[]",
        "a string": b'"' + MARKER + b'"',
        "a number": b"1",
        "null": b"null",
        "true": b"true",
        "half an object": b'{"city": ',
        "half a string": b'{"city": "' + MARKER,
        "1,000 arrays": b"[" * 1_000,
        "500 arrays, closed": b'{"preferences": {"a": ' + b"[" * 500 + b"]" * 500 + b"}}",
        "300 objects": b'{"preferences": ' + b'{"a": ' * 300,
        "an exponent": b'{"preferences": {"a": 1e999}}',
        "a form": b"city=" + MARKER,
        "XML": b"<city>" + MARKER + b"</city>",
    }
    for name, text in texts.items():
        yield Request(f"body, {name}", _sized(_POST, text), (400,))
        yield Request(f"body of all, {name}", _sized(_SIGNUP, text), (400,))
    wrong = {
        "a list": b'{"city": []}',
        "an object": b'{"city": {}}',
        "a number": b'{"city": 12}',
        "what the service sets": b'{"userId": "bob", "version": 7}',
        "what nobody knows": b'{"__proto__": {"a": 1}, "constructor": {}}',
        "an empty name": b'{"": 1}',
        "NUL in a name": b'{"\\u0000": 1}',
        "a number of 1,500 digits": b'{"preferences": {"a": ' + b"9" * 1_500 + b"}}",
        "lines": b'{"city": "a\\r\\nb"}',
    }
    for name, text in wrong.items():
        yield Request(f"fields, {name}", _sized(_POST, text), (422,))
    yield Request("body behind a BOM", _sized(_SIGNUP, b"\xef\xbb\xbf{}"), (422,))
    yield Request("body too large", _sized(_POST, b" " * MAX_BODY_BYTES + b"{}"), (413,))
    yield Request("body too large, not sent", _POST + b"Content-Length: 999999\r\n\r\n", (413,))
    largest = b'{"city": "' + MARKER + b'"}'
    yield Request("body as large as may be", _sized(_SIGNUP, largest.ljust(MAX_BODY_BYTES)), (422,))
    for name, line in {
        "none": b"",
        "of a form": b"Content-Type: application/x-www-form-urlencoded\r\n",
        "of parts": b"Content-Type: multipart/form-data; boundary=a\r\n",
        "of text": b"Content-Type: text/plain\r\n",
        "of UTF-7": b"Content-Type: application/json; charset=utf-7\r\n",
        "of noise": b"Content-Type: \xff\r\n",
        "of two": b"Content-Type: application/json, text/plain\r\n",
    }.items():
        yield Request(f"type, {name}", _sized(_POST.replace(_JSON, line), b"{}"), (415,))


def _codings() -> Iterator[Request]:
    zipped = gzip.compress(b"{}", mtime=0)
    deflated = zlib.compress(b"{}")
    bomb = gzip.compress(b" " * 1_000_000, mtime=0)
    for name, coding, text, status in (
        ("gzip", b"gzip", zipped, 200),
        ("GZIP", b"GZIP", zipped, 200),
        ("deflate", b"deflate", deflated, 200),
        ("raw deflate", b"deflate", deflated[2:-4], 200),
        ("identity", b"identity", b"{}", 200),
        ("two members", b"gzip", zipped * 2, 400),
        ("without its length", b"gzip", zipped[:-4], 200),
        ("cut in its head", b"gzip", zipped[:5], 400),
        ("wrong sum", b"gzip", zipped[:-8] + b"\0" * 8, 400),
        ("wrong head", b"gzip", b"\x1f\x8b\x09" + zipped[3:], 400),
        ("not gzip", b"gzip", MARKER, 400),
        ("not deflate", b"deflate", MARKER, 400),
        ("gzip called deflate", b"deflate", zipped, 400),
        ("deflate called gzip", b"gzip", deflated, 400),
        ("nothing", b"gzip", b"", 400),
        ("a bomb", b"gzip", bomb, 413),
        ("a bomb called deflate", b"deflate", zlib.compress(b" " * 1_000_000), 413),
        ("compress", b"compress", b"{}", 415),
        ("x-gzip", b"x-gzip", zipped, 415),
        ("aws-chunked", b"aws-chunked", b"{}", 415),
        ("of 1 KB", b"a" * 1_000, b"{}", 415),
        ("of noise", b"\xff", b"{}", 415),
        ("gzip twice", b"gzip, gzip", gzip.compress(zipped, mtime=0), 415),
        ("identity and gzip", b"identity, gzip", zipped, 415),
    ):
        head = _POST + b"Content-Encoding: " + coding + b"\r\n"
        yield Request(f"content coding {name}", _sized(head, text), (status,))
        chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(text), text)
        if text:
            yield Request(f"content coding {name}, in chunks", head + chunked, (status,))


def _pipelines() -> Iterator[Request]:
    live = _LIVE + _HOST + b"\r\n"
    last = _LIVE + _HOST + b"Connection: close\r\n\r\n"
    yield Request("two at once", live + last, (200, 200))
    yield Request("eight at once", live * 7 + last, (200,) * 8)
    yield Request("a body, then a request", _sized(_POST, b"{}") + last, (200, 200))
    yield Request("empty lines between", live + b"\r\n\r\n" + last, (200, 200))
    yield Request(
        "noise after a request", live + b"\xff" + MARKER + b"\r\n\r\n", (200, 400), (400,)
    )
    yield Request("a refusal, then a request", _LIVE + b"a b: c\r\n\r\n" + _NEXT, (400,))
    yield Request("a close, then a request", last + _NEXT, (200,), (400,))
    yield Request(
        "HTTP/1.0, then a request", live.replace(b"P/1.1", b"P/1.0") + _NEXT, (200,), (400,)
    )
    yield Request("a body of a GET", _sized(_LIVE + _HOST, b"{}") + last, (200, 200))
    yield Request("a request as a body of a GET", _sized(_LIVE + _HOST, _NEXT) + last, (200, 200))
    upgrade = live[:-2] + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    yield Request("an upgrade, then a request", upgrade + last, (200, 200))


KINDS: Final[Mapping[str, tuple[Request, ...]]] = {
    "transfer codings": tuple(_transfer_codings()),
    "lengths": tuple(_lengths()),
    "chunks": tuple(_chunks()),
    "start lines": tuple(_start_lines()),
    "targets": tuple(_targets()),
    "fields": tuple(_fields()),
    "bodies": tuple(_bodies()),
    "content codings": tuple(_codings()),
    "pipelines": tuple(_pipelines()),
}
