"""The service conforms to its OpenAPI document."""

import re
from pathlib import Path

from tests.api.raw_http import logged
from tests_slow.fuzz.run import Plan, run


async def test_answers_are_as_the_document_says(tmp_path: Path) -> None:
    """No check of schemathesis fails, and the log has no errors."""
    with logged() as log:
        outcome = await run(Plan(cases=3), tmp_path)

    assert outcome.status == 0, outcome.output
    count = re.search(r"(\d+) generated", outcome.output)
    assert count is not None, outcome.output
    assert int(count[1]) > 500
    assert "Traceback" not in log.getvalue()
    assert '"level": "error"' not in log.getvalue()
