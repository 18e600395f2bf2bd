"""CI on GitHub runs what `.ci/run` runs, on every Python that is supported, with no rights to spare."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.project.files import ROOT, called_targets, pythons, read, settings, targets

WORKFLOWS: Final = sorted((ROOT / ".github/workflows").glob("*.yml"))
CI: Final = ROOT / ".github/workflows/ci.yml"


def workflow(path: Path) -> dict[str, Any]:
    """Return a workflow; YAML's word for its key `on` is true."""
    parsed: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else str(key): value for key, value in parsed.items()}


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each step of each workflow with the job that it belongs to."""
    for path in WORKFLOWS:
        for name, job in workflow(path)["jobs"].items():
            for step in job["steps"]:
                yield f"{path.stem}/{name}", step


def test_workflows_call_targets_that_exist() -> None:
    """A renamed target is renamed in the workflows too."""
    called = {target for _, step in steps() for target in called_targets(step.get("run", ""))}

    assert called - targets() == set()
    assert {"install", "lock", "test-lowest"} <= called


def test_ci_on_github_runs_what_ci_runs() -> None:
    """Each step of .ci/run is a step of the workflow."""
    demanded = called_targets(
        "\n".join(re.findall(r"^ *(make .*)$", read(".ci/run"), re.MULTILINE))
    )
    run = "\n".join(step.get("run", "") for job, step in steps() if job.startswith("ci/"))

    assert demanded >= {"test", "lint", "test-compose"}
    assert demanded - called_targets(run) == set()


def test_fast_tier_runs_on_every_python() -> None:
    """The matrix is the classifiers of setup.cfg, from the first that python_requires allows."""
    matrix = workflow(CI)["jobs"]["test"]["strategy"]["matrix"]["python"]
    required = settings()["options"]["python_requires"]

    assert matrix == pythons()
    assert required == f">={pythons()[0]}"
    assert sorted(pythons(), key=lambda text: int(text.partition(".")[2])) == pythons()


def test_every_job_runs_on_a_python_that_is_supported() -> None:
    """A job names a Python of the classifiers, or the matrix of them."""
    versions = {
        step["with"]["python-version"]
        for _, step in steps()
        if step.get("uses", "").startswith("actions/setup-python@")
    }

    assert versions - {"${{ matrix.python }}"} <= set(pythons())


def test_actions_are_pinned_by_commit() -> None:
    """A tag can be moved by whoever takes an action over; a commit cannot."""
    used = [
        line.strip()
        for path in WORKFLOWS
        for line in path.read_text(encoding="utf-8").splitlines()
        if "uses:" in line
    ]
    pinned = re.compile(r"- uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")

    assert used
    assert [line for line in used if not pinned.fullmatch(line)] == []


def test_workflows_may_only_read() -> None:
    """A job cannot write, keeps no credentials, ends by itself, and runs no text from outside."""
    for path in WORKFLOWS:
        parsed = workflow(path)
        assert parsed["permissions"] == {"contents": "read"}
        assert all(job["timeout-minutes"] <= 90 for job in parsed["jobs"].values())
        assert not any("permissions" in job for job in parsed["jobs"].values())
    for job, step in steps():
        assert "${{" not in step.get("run", ""), job
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False, job


def test_dependencies_are_followed() -> None:
    """Dependabot looks at Python, Node.js, images and actions."""
    updates = yaml.safe_load(read(".github/dependabot.yml"))["updates"]

    assert {update["package-ecosystem"] for update in updates} == {
        "docker",
        "docker-compose",
        "github-actions",
        "npm",
        "pip",
    }


def test_dependabot_keeps_the_style_of_commits() -> None:
    """Its prefixes are areas."""
    updates = yaml.safe_load(read(".github/dependabot.yml"))["updates"]

    for update in updates:
        assert re.fullmatch("[a-z]+", update["commit-message"]["prefix"])


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*_*.yml")), ids=lambda path: path.stem
)
def test_issue_forms_ask(path: Path) -> None:
    """A form has a name, a description, and questions with ids of their own."""
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    questions = [part for part in form["body"] if part["type"] != "markdown"]

    assert form["name"]
    assert form["description"]
    assert len({part["id"] for part in questions}) == len(questions) > 0
    assert all(part["attributes"]["label"] for part in questions)
