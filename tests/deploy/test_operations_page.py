"""docs/operations.md names the widgets, metrics and settings that exist."""

import re
from typing import Final

from tests.deploy.templates import SERVICE, load, of_type
from tests.deploy.test_deployment_page import ROOT

PAGE: Final = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
METRICS: Final = (ROOT / "docs/observability.md").read_text(encoding="utf-8")


def test_every_widget_of_the_dashboard_is_described() -> None:
    """The table has the titles of the widgets, in order."""
    (dashboard,) = of_type(load(SERVICE), "AWS::CloudWatch::Dashboard").values()
    titles = re.findall(r'"title": "([^"]+)"', str(dashboard["DashboardBody"]))
    table = PAGE.partition("| widget |")[2].partition("\n\n")[0]

    assert re.findall(r"^\| (\w[^|]*?) \|", table, re.MULTILINE) == titles


def test_every_metric_of_the_queries_exists() -> None:
    """The queries for Prometheus use metrics that docs/observability.md lists."""
    (queries,) = re.findall(r"```promql\n(.*?)```", PAGE, re.DOTALL)
    used = {
        name.removesuffix("_bucket") for name in re.findall(r"\b[a-z]+(?:_[a-z]+){2,}", queries)
    }
    listed = set(re.findall(r"^\| `(\w+)` \|", METRICS, re.MULTILINE))

    assert len(used) == len(queries.splitlines())
    assert used - {"histogram_quantile"} <= listed
