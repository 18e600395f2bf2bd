"""docs/troubleshooting.md has every message that callers, operators and developers can meet."""

import re
from typing import Final

import pytest

from service.api.http_errors import leaves
from service.api.problem_details import STATUSES
from service.config.settings import SECTIONS, definitions, environment_name
from tests.support.message_sets import NAMES, SETS, every_text, of_log
from tests.support.messages import ROOT, VALUE, Message, normalized

PAGE: Final = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
WORDS: Final = normalized(PAGE)
CODES: Final = {error.code for error in leaves()}
# Names that begin a row and are those of other programs.
OTHER_NAMES: Final = {"redirect_mismatch"}
# Variables that are wrong on purpose.
EXAMPLES: Final = {"LOG_LEVL", "SERVER_PROT"}


@pytest.mark.parametrize("name", SETS)
def test_every_message_is_explained(name: str) -> None:
    """The page has the first words of each message; … stands for a value."""
    messages = {message.beginning(): message for message in SETS[name]()}
    missing = {words: message for words, message in messages.items() if words not in WORDS}

    assert messages
    assert not missing, "\n".join(
        [
            f"Add a row to docs/troubleshooting.md, or the words to an existing row ({name}):",
            *(f"  {words!r}: {each.text!r} ({each.place})" for words, each in missing.items()),
        ]
    )


def test_every_code_is_explained_with_its_status() -> None:
    """Each code of an error response has its row: the code, its status and the words of its detail."""
    missing = [
        f"`{error.code}` ({STATUSES[error].value}): {error.detail}"
        for error in leaves()
        if f"`{error.code}` ({STATUSES[error].value}):" not in PAGE
    ]

    assert not missing, "Add a row to docs/troubleshooting.md for each:\n  " + "\n  ".join(missing)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_listed(name: str) -> None:
    """Each event, check and reason stands on the page as it is written, as code."""
    names = {each.text: each.place for each in NAMES[name]()}
    missing = {text: place for text, place in names.items() if f"`{text}`" not in PAGE}

    assert names
    assert not missing, f"Add to docs/troubleshooting.md, in backticks ({name}): {missing}"


def test_names_of_the_page_exist() -> None:
    """A name with underscores that begins a row is a code, an event, or a word of another program."""
    events = {each.text for each in of_log()}
    named = set(re.findall(r"^\| `([a-z]+(?:_[a-z]+)+)`", PAGE, re.MULTILINE))

    unknown = named - CODES - events - OTHER_NAMES
    assert not unknown, f"Rename or remove these rows of docs/troubleshooting.md: {unknown}"


def test_variables_of_the_page_exist() -> None:
    """Each environment variable of a section is that of a setting."""
    known = {
        environment_name(section.section, key)
        for section in SECTIONS.values()
        for key in definitions(section)
    }
    prefixes = "|".join(sorted({name.split("_")[0] for name in known} - {"AWS", "AUTH"}))
    named = set(re.findall(rf"\b(?:{prefixes}|AUTH|AWS_COGNITO|AWS_DYNAMODB)_[A-Z_]+\b", PAGE))

    assert named - known == set(EXAMPLES)


def test_contents_have_every_section() -> None:
    """The table of contents links every section, in order."""
    contents, _, rest = PAGE.partition("\n## ")
    sections = re.findall(r"^## (.*)$", f"## {rest}", re.MULTILINE)

    assert re.findall(r"\[([^]]+)\]\(#", contents) == sections


def test_links_of_the_page_lead_somewhere() -> None:
    """Each link names a file, and a heading of it."""
    for path, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", PAGE):
        target = ROOT / "docs" / path if path else ROOT / "docs/troubleshooting.md"
        headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
        anchors = {
            re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings
        }
        assert not anchor or anchor in anchors, f"{path}#{anchor}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Cannot listen on …:…: …. Choose another port.", "cannot listen on"),
        ("The file … cannot be read: ….", "the file … cannot be read"),
        ("TTL is off.", "ttl is off"),
        ("status …", "status"),
    ],
)
def test_message_is_found_by_its_first_words(text: str, words: str) -> None:
    """The words up to the first value after three words identify a message, without values around."""
    assert Message(text, "").beginning() == words


@pytest.mark.parametrize("section", ["Wrong fields", "Doctor"])
def test_messages_of_the_page_exist(section: str) -> None:
    """Each quoted message of four words or more is a text of the code."""
    texts = normalized(every_text())
    rows = PAGE.partition(f"\n## {section}\n")[2].partition("\n| ")[2].partition("\n## ")[0]
    quoted = re.findall(r"`([^`|\n]+)`", rows)
    parts = [part for each in quoted for part in each.split(VALUE) if part.count(" ") > 2]
    unknown = [part for part in parts if normalized(part).strip(" .,:") not in texts]

    assert parts
    assert unknown == [], "Correct or remove these in docs/troubleshooting.md"
