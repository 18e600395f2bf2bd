"""A check of real responses against the API document."""

import functools
import re
from collections.abc import Mapping
from typing import Any, Final

import orjson
from openapi_schema_validator import OAS31Validator, oas31_format_checker

# Headers that clients act on, so a response may have them only if the document says so.
DOCUMENTED_HEADERS = ("Allow", "ETag", "Location", "Retry-After", "WWW-Authenticate")

PROBLEM_JSON: Final = "application/problem+json"
PROBLEM: Final[Mapping[str, Any]] = {
    "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
}
ALLOW: Final = {"Allow": {"required": True, "schema": {"type": "string"}}}
RETRY_AFTER: Final = {"Retry-After": {"schema": {"type": "integer", "minimum": 0}}}
UNROUTED: Final = {"503": {**PROBLEM, "headers": RETRY_AFTER}}


class AnswerCheck:
    """Asserts that *document*, the parsed API document, describes a response."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._paths = [(_pattern(path), described) for path, described in document["paths"].items()]

    def check(
        self, method: str, path: str, *, status: int, headers: Mapping[str, str], body: bytes
    ) -> None:
        """
        Assert that the document describes this response; *path* is as sent, without its query.

        *headers* must be case-insensitive, like aiohttp's.
        """
        where = f"{method} {path} -> {status}"
        responses = self._responses(method, path)
        assert str(status) in responses, f"{where}: not among {sorted(responses)}"
        response = self._resolved(responses[str(status)])
        self._check_headers(where, response, headers)
        if method == "HEAD" or "content" not in response:
            assert body == b"", f"{where}: a body where the document has none"
            return
        media_type = headers.get("Content-Type", "").partition(";")[0]
        described = _of_media_type(response["content"], media_type)
        assert described is not None, f"{where}: {media_type!r} is not documented"
        if media_type.endswith("json"):
            self._check_json(where, described["schema"], orjson.loads(body))
        if media_type == PROBLEM_JSON:
            assert orjson.loads(body)["status"] == status, f"{where}: another status in the body"

    def _responses(self, method: str, path: str) -> Mapping[str, Any]:
        """
        Return the documented responses by status.

        No operation documents an unknown path or method, and OPTIONS: they are as UNROUTED says.
        """
        for pattern, described in self._paths:
            if pattern.fullmatch(path):
                known = described.get("get" if method == "HEAD" else method.lower())
                if known is not None:
                    responses: Mapping[str, Any] = known["responses"]
                    return responses
                if method == "OPTIONS":
                    return {"204": {"headers": ALLOW}, **UNROUTED}
                return {"405": {**PROBLEM, "headers": ALLOW}, **UNROUTED}
        return {"404": PROBLEM, **UNROUTED}

    def _check_headers(
        self, where: str, response: Mapping[str, Any], headers: Mapping[str, str]
    ) -> None:
        assert headers.get("X-Request-Id"), f"{where}: X-Request-Id is missing"
        documented = {
            name: self._resolved(header) for name, header in response.get("headers", {}).items()
        }
        for name, header in documented.items():
            assert name in headers or not header.get("required"), f"{where}: {name} is missing"
            if name in headers and header["schema"]["type"] == "integer":
                self._check_json(f"{where}, {name}", header["schema"], int(headers[name]))
        for name in DOCUMENTED_HEADERS:
            assert name not in headers or name in documented, f"{where}: {name} is not documented"

    def _check_json(self, where: str, schema: Mapping[str, Any], value: object) -> None:
        whole = {
            **schema,
            "components": self._document["components"],
        }  # the target of its references
        validator = OAS31Validator(whole, format_checker=oas31_format_checker)
        found = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
        assert not found, f"{where}: " + "; ".join(found)

    def _resolved(self, described: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a described object with its reference resolved."""
        if "$ref" not in described:
            return described
        found = self._document
        for name in described["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return found


@functools.lru_cache(maxsize=4)
def answer_check(document: bytes) -> AnswerCheck:
    """Return the cached check of responses against *document*."""
    return AnswerCheck(orjson.loads(document))


def _pattern(path: str) -> re.Pattern[str]:
    """Return the pattern of a documented path, in which a parameter matches one segment."""
    parts = re.split(r"\{\w+\}", path)
    return re.compile("[^/]+".join(re.escape(part) for part in parts))


def _of_media_type(content: Mapping[str, Any], media_type: str) -> Mapping[str, Any] | None:
    """Return the documented content of a media type, by name or by a range such as `text/*`."""
    family = media_type.partition("/")[0]
    found: Mapping[str, Any] | None = content.get(media_type, content.get(f"{family}/*"))
    return found
