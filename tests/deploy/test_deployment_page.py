"""What docs/deployment.md tells an operator to type is there."""

import re
from typing import Final

from service.api.http_errors import leaves
from tests.deploy.templates import DATA, EVENTS, FOLDER, SERVICE, load, of_type
from tests.project.files import called_targets, targets

ROOT: Final = FOLDER.parent.parent
PAGE: Final = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
PARAMETERS: Final = {name for path in (DATA, SERVICE, EVENTS) for name in load(path)["Parameters"]}
BLOCKS: Final[list[tuple[str, str]]] = re.findall(
    r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE
)
OF_MAKE: Final = {"STACK", "STACKS", "YES", "REPOSITORY", "PLATFORM"}


def commands() -> str:
    """Return the blocks of code, and the code between backticks, lines that continue joined."""
    blocks = [text for language, text in BLOCKS if not language]
    inline = re.findall(r"`([^`\n]+)`", PAGE)
    return "\n".join([*blocks, *inline]).replace("\\\n", " ")


def test_every_variable_of_make_is_a_parameter() -> None:
    """No command gives `make` a variable that neither a template nor the Makefile knows."""
    calls = re.findall(r"^make .*$", commands(), re.MULTILINE)
    given = {name for call in calls for name in re.findall(r'[ "](\w+)=', call)}

    assert called_targets("\n".join(calls)) <= targets()
    assert given - PARAMETERS - OF_MAKE == set()
    assert {"Image", "DomainName", "HostedZoneId"} <= given


def test_every_parameter_of_terraform_and_cdk_is_a_parameter() -> None:
    """The examples for other tools pass what the templates take, and all that has no default."""
    for language in ("hcl", "python"):
        (block,) = (text for named, text in BLOCKS if named == language)
        passed = set(re.findall(r'^\s+"?([A-Z]\w+)"?\s*[=:] ', block, re.MULTILINE))
        needed = {
            name
            for name, parameter in load(SERVICE)["Parameters"].items()
            if "Default" not in parameter
        }
        assert needed <= passed <= PARAMETERS


def test_every_path_and_heading_that_is_linked_exists() -> None:
    """No link of the page leads nowhere."""
    headings = {
        "#" + re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    }
    links = set(re.findall(r"\]\((?!https?:)([^)]+)\)", PAGE))
    named = set(re.findall(r"`((?:deploy|docs|tests_slow)/[\w./-]+)`", PAGE))

    assert {link for link in links if link.startswith("#")} - headings == set()
    files = {link.partition("#")[0] for link in links}
    assert {name for name in files if not (ROOT / "docs" / name).exists()} == set()
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_step_of_the_set_up_is_placed() -> None:
    """The table names all six steps."""
    table = PAGE.partition("## The set-up in six steps")[2].partition("\n## ")[0]

    assert re.findall(r"^\| (\d) ", table, re.MULTILINE) == [*"123456"]


def test_every_rule_of_the_listener_is_told() -> None:
    """The table of rules has each priority, and each path behind an authenticate action."""
    table = PAGE.partition("## Browsers and API clients")[2].partition("\n## ")[0]
    rules = of_type(load(SERVICE), "AWS::ElasticLoadBalancingV2::ListenerRule").values()
    paths = {
        path
        for rule in rules
        for condition in rule["Conditions"]
        for path in condition.get("PathPatternConfig", {}).get("Values", ())
    }
    told = re.findall(r"^\| (\d+)(?:(?: to |, )(\d+))? \|", table, re.MULTILINE)

    assert {int(number) for row in told for number in row if number} | {2} == {
        rule["Priority"] for rule in rules
    }
    assert {path for path in paths if f"`{path}`" not in table} == set()


def test_every_code_that_is_named_exists() -> None:
    """A symptom is a code that the service answers with."""
    known = {error.code for error in leaves()}
    named = {"insufficient_scope", "misconfigured", "internal_error"}

    assert {code for code in named if f"`{code}`" not in PAGE} == set()
    assert named | {"request_rejected", "route_not_found", "deadline_exceeded"} <= known
