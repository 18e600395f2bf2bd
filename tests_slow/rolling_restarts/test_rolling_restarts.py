"""Rolling restarts lose no request."""

from pathlib import Path

from service.config.settings import Config
from tests_slow.rolling_restarts.run import Plan, run

SHORT = Plan(restarts=2, clients=32, drain_s=1.0)


async def test_callers_notice_nothing_of_restarts(config: Config, tmp_path: Path) -> None:
    """Every request is served, and every process ends with status 0 and without a traceback."""
    report = await run(SHORT, config, tmp_path)

    assert not report.wrong, report
    assert report.restarts == SHORT.restarts
    assert report.statuses[200] > 0
