"""The tables of the README and of docs/ match the code."""

import re
from pathlib import Path

import pytest

from service.api.audit_log import AuditEvent
from service.api.http_errors import leaves
from service.api.keys import Access
from service.api.problem_details import STATUSES
from service.api.routes import all_routes
from service.api.schemas.profiles import ProfileSchema
from service.api.schemas.sessions import TAKES
from service.deployment_checks.profile_schema import profile_schema

ROOT = Path(__file__).parent.parent
DOCS = sorted((ROOT / "docs").glob("*.md"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs/guide.md").read_text(encoding="utf-8")
ERRORS = (ROOT / "docs/errors.md").read_text(encoding="utf-8")
PERFORMANCE = (ROOT / "docs/performance.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")


def test_every_route_is_listed_with_who_may_call_it() -> None:
    """The table of calls has every route, in order, and no other."""
    who = {
        "anyone": Access.PUBLIC,
        "signed in": Access.SIGNED_IN,
        "identity": Access.IDENTIFIED,
        "service": Access.SERVICE,
    }

    listed = re.findall(r"^\| `([A-Z]+) (/\S*)`[^|]*\| ([a-z ]+) \|", GUIDE, re.MULTILINE)

    assert [(method, path, who[caller]) for method, path, caller in listed] == [
        (route.method, route.path, access) for route, access in all_routes()
    ]


def test_every_success_status_is_listed() -> None:
    """The table of calls names every status of success."""
    for route, _ in all_routes():
        call = f"| `{route.method} {route.path}`"
        (row,) = (line for line in GUIDE.splitlines() if line.startswith(call))
        listed = set(re.findall(r"\b[23]\d\d\b", row))
        assert listed == {str(status.value) for status in route.operation.answers}, row


def test_every_code_is_listed_with_its_status() -> None:
    """The table of errors has every code with its status, and no other."""
    listed = re.findall(r"^\| `([a-z_]+)` \| (\d{3}) \|", ERRORS, re.MULTILINE)

    assert sorted(listed) == sorted((error.code, str(STATUSES[error].value)) for error in leaves())


def test_every_code_says_when_it_occurs_and_what_to_do() -> None:
    """Each row of the table of errors has both, and the rows are sorted by status and code."""
    rows = [line.strip("| ").split(" | ") for line in ERRORS.splitlines() if line.startswith("| `")]

    assert [row[0] for row in rows if len(row) != len(("code", "status", "when", "do"))] == []
    assert rows == sorted(rows, key=lambda row: (row[1], row[0]))


def test_every_challenge_is_listed_with_what_it_takes() -> None:
    """The table of challenges has each, with the members of its answer."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| (`.*)\|$", GUIDE, re.MULTILINE)

    listed = {name: set(re.findall(r"`([a-zA-Z]+)\??`", row)) for name, row in rows}

    assert listed == {name: {*takes.one_of, *takes.optional} for name, takes in TAKES.items()}


def test_every_security_event_is_listed() -> None:
    """The table of events is the vocabulary, in order."""
    table = OPERATIONS.partition("## Security events")[2].partition("\n## ")[0]

    assert re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE) == [*AuditEvent]


def test_every_field_of_a_profile_is_named() -> None:
    """The list of fields is the schema's, in order."""
    (listed,) = re.findall(r"The fields: (.*?)\.\s+All", GUIDE, re.DOTALL)

    assert re.findall(r"`(\w+)`", listed) == [
        field.data_key for field in ProfileSchema().fields.values()
    ]


def test_readme_is_short() -> None:
    """The README introduces the service on 120 to 150 lines; details are in docs/."""
    assert 120 <= len(README.splitlines()) <= 150


def test_speed_is_the_measured_one() -> None:
    """The README has the costs of a read at 64 connections that the measurement in docs/ has."""
    rows = re.findall(
        r"^\| ([\w+ ]+?) +(?:\| \S+ \(\S+\) +){2}\| (\S+) \(", PERFORMANCE, re.MULTILINE
    )
    cost = dict(rows)
    speed = README.partition("## Speed")[2].partition("\n## ")[0]

    assert re.findall(r"\b\d+\.\d\b", speed) == [
        cost[case]
        for case in (
            "GET warm",
            "GET bearer",
            "Go + AWS SDK v2",
            "aiohttp + aiodynamo",
            "aiohttp + aioboto3",
            "Fastify + AWS SDK v3",
            "FastAPI + boto3",
        )
    ]


def test_schema_of_the_readme_can_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The subclass that the README shows is accepted by `[profile] schema`, and adds its field."""
    (module,) = re.findall(r"```python\n# shop\.py\n(.*?)```", README, re.DOTALL)
    (tmp_path / "readme_shop.py").write_text(module, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    schema = profile_schema("readme_shop:ShopProfileSchema")

    added = {field.data_key for field in schema().fields.values()}
    assert added - {field.data_key for field in ProfileSchema().fields.values()} == {"loyaltyTier"}


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{each.name}" for each in DOCS)])
def test_every_path_that_is_named_exists(page: str) -> None:
    """No file or folder of the code that a page names is missing, and no link leads nowhere."""
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(r"`((?:service|docs|deploy|tests|tests_slow)/[\w./-]*)`", text)
    linked = re.findall(r"\]\((?!https?:)([^)]+)\)", text)

    assert [path for path in named if not (ROOT / path).exists()] == []
    assert [link for link in linked if not _leads_somewhere(page, link)] == []


def _leads_somewhere(page: str, link: str) -> bool:
    """Whether *link* names a file that exists and, after `#`, a heading of it."""
    path, _, anchor = link.partition("#")
    target = (ROOT / page).parent / path if path else ROOT / page
    if not anchor:
        return target.exists()
    headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
    return anchor in {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings
    }
