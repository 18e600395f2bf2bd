"""The commands of a page, run in its order, print what the page shows."""

from pathlib import Path

import pytest

from tests_slow.documentation.comparison import differences
from tests_slow.documentation.page import Change, Commands, Output, steps
from tests_slow.documentation.shell import ROOT, shell

PAGES = (
    "README.md",
    *(
        f"docs/{name}.md"
        for name in ("tutorial", "guide", "authentication", "errors", "operations", "extending")
    ),
)


@pytest.mark.parametrize("page", PAGES)
async def test_commands_print_what_the_page_shows(page: str, tmp_path: Path) -> None:
    """Each command works as written, and each shown output is that of the commands above it."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = list(steps(text))
    wrong = []
    async with shell(tmp_path) as opened:
        for step in found:
            printed = await opened.run(step)
            match step:
                case Commands(output=Output() as output):
                    wrong += [
                        f"{page}:{step.line}: {each}"
                        for each in differences(output.language, output.text, printed)
                    ]
                case Change():
                    assert printed == ""

    assert found
    assert wrong == [], f"python -m tests_slow.documentation {page} writes the outputs anew"
