"""The commands of a page, run in its order, print what the page shows."""

from pathlib import Path

import pytest

from tests_slow.documentation.comparison import differences
from tests_slow.documentation.page import Change, Commands, Output, steps
from tests_slow.documentation.shell import ROOT, shell

# The pages of a group are read beside one `make run`: the last two need no data of their own.
PAGES = (
    ("README.md", "docs/errors.md", "docs/operations.md"),
    *((f"docs/{name}.md",) for name in ("tutorial", "guide", "authentication", "extending")),
)


@pytest.mark.parametrize("pages", PAGES, ids="+".join)
async def test_commands_print_what_the_page_shows(pages: tuple[str, ...], tmp_path: Path) -> None:
    """Each command works as written, and each shown output is that of the commands above it."""
    wrong = []
    async with shell(tmp_path) as opened:
        for page in pages:
            found = list(steps((ROOT / page).read_text(encoding="utf-8")))
            assert found
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

    assert wrong == [], "python -m tests_slow.documentation PAGE writes the outputs anew"
