"""
Compares the output that a page shows with what was printed.

In text, `…` stands for any characters, and a line `…` for any lines. Identifiers, times and codes need
only have the same form. The members of a JSON object are compared by name, and `"…": "…"` stands for any
others. A page may leave out headers and the body of an HTTP response.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

ANY: Final = "…"
_FORMS: Final = {
    "uuid": r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}Z",
    "date": r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT",
    "digest": r"\b(?:[0-9a-f]{24}|[0-9a-f]{32})\b",
    "code": r"\b\d{6}\b",
    "secret": r"\b[A-Z2-7]{52}\b",
    "port": r"(?<=127\.0\.0\.1:)\d+",
}
_TOKEN: Final = re.compile(
    "|".join(f"(?P<{name}>{form})" for name, form in _FORMS.items()) + f"|{ANY}"
)
_HEADER: Final = re.compile(r"([A-Za-z-]+): *(.*)")


def differences(language: str, shown: str, printed: str) -> list[str]:
    """Return what differs, empty if nothing does."""
    return list(_COMPARE[language](shown, printed))


def values(text: str) -> list[Any]:
    """Return the consecutive JSON values of *text*."""
    found, decoder = [], json.JSONDecoder()
    while text := text.strip():
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:]
    return found


def responses(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Return the status line, the headers by name in lower case, and the body of each response."""
    found = []
    for response in re.split(r"^(?=HTTP/)", text.replace("\r\n", "\n"), flags=re.MULTILINE)[1:]:
        head, _, body = response.partition("\n\n")
        status, *lines = head.strip().splitlines()
        headers = (_HEADER.fullmatch(line) for line in lines)
        found.append((status.strip(), {h[1].lower(): h[2] for h in headers if h}, body.strip()))
    return found


def _matches(shown: str, printed: str) -> bool:
    pattern, end = "", 0
    for token in _TOKEN.finditer(shown):
        pattern += re.escape(shown[end : token.start()]) + _FORMS.get(token.lastgroup or "", ".*?")
        end = token.end()
    return re.fullmatch(pattern + re.escape(shown[end:]), printed, re.DOTALL) is not None


def _texts(shown: str, printed: str) -> Iterator[str]:
    pattern = shown.strip().replace(f"\n{ANY}\n", f"\n{ANY}").removesuffix(f"\n{ANY}")
    whole = pattern if pattern == shown.strip() else pattern + ANY
    if not _matches(whole, printed.strip()):
        yield f"shown:\n{shown.strip()}\nprinted:\n{printed.strip()}"


def _json(shown: str, printed: str) -> Iterator[str]:
    expected, found = values(shown), values(printed)
    if len(expected) != len(found):
        yield f"{len(expected)} values are shown, and {len(found)} are printed: {printed}"
        return
    for one, other in zip(expected, found, strict=True):
        yield from _value("", one, other)


def _value(path: str, shown: Any, printed: Any) -> Iterator[str]:  # noqa: ANN401 -- JSON
    if isinstance(shown, Mapping) and isinstance(printed, Mapping):
        names = {name for name in shown if name != ANY}
        extra = set() if ANY in shown else printed.keys() - names
        yield from (f"{path}.{name} is not shown" for name in sorted(extra))
        yield from (f"{path}.{name} is not printed" for name in sorted(names - printed.keys()))
        for name in sorted(names & printed.keys()):
            yield from _value(f"{path}.{name}", shown[name], printed[name])
    elif isinstance(shown, list) and isinstance(printed, list):
        if ANY in shown:
            shown = shown[: shown.index(ANY)]
            printed = printed[: len(shown)]
        if len(shown) != len(printed):
            yield f"{path}: {shown} is shown, {printed} printed"
        for number, (one, other) in enumerate(zip(shown, printed, strict=False)):
            yield from _value(f"{path}[{number}]", one, other)
    elif isinstance(shown, str) and isinstance(printed, str):
        if not _matches(shown, printed):
            yield f"{path}: {shown!r} is shown, {printed!r} printed"
    elif shown != printed or type(shown) is not type(printed):
        yield f"{path}: {shown!r} is shown, {printed!r} printed"


def _http(shown: str, printed: str) -> Iterator[str]:
    expected, found = responses(shown), responses(printed)
    if len(expected) != len(found) or not expected:
        yield f"{len(expected)} responses are shown, and {len(found)} are printed: {printed}"
        return
    for (status, headers, body), (other_status, others, other_body) in zip(
        expected, found, strict=True
    ):
        yield from _value("status", status, other_status)
        for name, value in headers.items():
            yield from _value(name, value, others.get(name))
        if body:
            yield from _json(body, other_body)


_COMPARE: Final[Mapping[str, Callable[[str, str], Iterator[str]]]] = {
    "http": _http,
    "json": _json,
    "text": _texts,
}
