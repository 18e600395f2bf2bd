"""The API document as generators of clients and checkers read it: without an error, without a warning."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from tests_clients.conftest import ROOT, Run

SAMPLES: Final[Mapping[str, object]] = {"boolean": True, "integer": 1, "string": "x"}


def test_spectral_finds_nothing(run: Run, document: Path) -> None:
    """Not even a hint of spectral's rules for OpenAPI."""
    rules = ROOT / "clients/spectral.yaml"

    found = run("spectral", "lint", "--ruleset", rules, "--fail-severity", "hint", document)

    assert "No results" in found


def test_redocly_finds_nothing(run: Run, document: Path) -> None:
    """No error and no warning by redocly's recommended rules."""
    found = run("redocly", "lint", "--format", "json", "--extends", "recommended", document)

    totals = json.loads(found[found.index("{") : found.rindex("}") + 1])["totals"]
    assert (totals["errors"], totals["warnings"]) == (0, 0), found


def test_python_client_has_every_response(run: Run, tmp_path: Path, document: Path) -> None:
    """openapi-python-client omits nothing: a warning would make it fail."""
    out = tmp_path / "client"

    run(
        *("openapi-python-client", "generate", "--fail-on-warning", "--meta", "none"),
        *("--path", document, "--output-path", out),
    )

    names = {_snake(operation["operationId"]) for _, _, operation in _operations(document)}
    assert names <= {file.stem for file in (out / "api").glob("*/*.py")}
    assert (out / "models/profile.py").is_file()


def test_hey_api_makes_a_client(run: Run, tmp_path: Path, document: Path) -> None:
    """The client of @hey-api/openapi-ts is strictly typed, and its types are the ones documented."""
    run("openapi-ts", "--input", document, "--output", "client", "--no-log-file")
    program = tmp_path / "program.ts"
    program.write_text(
        """
        import { readAccount, saveProfile, showProfile } from "./client/index.js";
        const { data, error } = await showProfile();
        export const name: string | undefined = data?.displayName?.toUpperCase();
        export const isMissing: boolean = error?.code === "profile_not_found";
        await saveProfile({ body: { preferences: { theme: "dark" } } });
        export const attributes = (await readAccount()).data?.attributes;
        """,
        encoding="utf-8",
    )

    _compile(run, program)


def test_program_that_makes_every_call_is_typed(run: Run, tmp_path: Path, document: Path) -> None:
    """By the types of openapi-typescript, the client takes each example and types each response."""
    source = ROOT / "clients/typescript/src"
    for file in source.iterdir():
        (tmp_path / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    run("openapi-typescript", document, "--output", tmp_path / "api.ts")
    parameters = orjson.loads(document.read_bytes())["components"]["parameters"]
    calls = "\n".join(
        f"typed((await client.request({arguments}, {options})).data);"
        for method, path, operation in _operations(document)
        for arguments in [f"{json.dumps(method.upper())}, {json.dumps(path)}"]
        for options in _options(operation, parameters)
    )
    program = tmp_path / "program.ts"
    program.write_text(
        'import { Client } from "./client.js";\n'
        # Neither any nor unknown:
        "declare function typed<T>(data: unknown extends T ? never : T): void;\n"
        f'const client = new Client({{ baseUrl: "https://api.example.com" }});\n{calls}\n',
        encoding="utf-8",
    )

    _compile(run, program)


def _compile(run: Run, program: Path) -> None:
    options = ("--strict", "--module", "esnext", "--moduleResolution", "bundler", "--noEmit")
    program.with_name("package.json").write_text('{"type": "module"}', encoding="utf-8")
    library = "es2022,dom,dom.iterable"
    run("tsc", *options, "--target", "es2022", "--lib", library, program)


def _operations(document: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in orjson.loads(document.read_bytes())["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def _options(operation: dict[str, Any], shared: Mapping[str, Any]) -> Iterator[str]:
    """Yield the options of a call: those required, and all that are documented, with the examples."""
    body = operation.get("requestBody")
    every: dict[str, Any] = {}
    required: dict[str, Any] = {}
    for parameter in operation.get("parameters", []):
        if "$ref" in parameter:
            parameter = shared[parameter["$ref"].rpartition("/")[2]]  # noqa: PLW2901 -- what it stands for
        value = parameter.get("example", SAMPLES[parameter["schema"]["type"]])
        every.setdefault(parameter["in"], {})[parameter["name"]] = value
        if parameter.get("required"):
            required.setdefault(parameter["in"], {})[parameter["name"]] = value
    if body is not None:
        every["body"] = next(iter(body["content"].values()))["example"]
        if body["required"]:
            required["body"] = every["body"]
    yield json.dumps(every)
    yield json.dumps(required) if required else ""


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
