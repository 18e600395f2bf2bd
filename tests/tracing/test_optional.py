"""Tracing is optional: its libraries are imported only where it is configured."""

import subprocess
import sys
from pathlib import Path

import pytest

from service.app import create_app
from service.startup_errors import TracingUnusable
from tests.support.configs import configured

ON = configured({"tracing": {"otlp-endpoint": "http://127.0.0.1:4318"}})
LOADED = """
import sys
from service.app import create_app
from tests.support.configs import configured

create_app(configured())
print(*sorted(name for name in sys.modules if name.startswith("opentelemetry")))
"""


def test_nothing_is_loaded_where_tracing_is_off() -> None:
    """An application without traces imports nothing of OpenTelemetry."""
    ended = subprocess.run(  # noqa: S603 -- of this file alone
        [sys.executable, "-c", LOADED],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )

    assert ended.stdout.split() == []


def test_missing_extra_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where tracing is configured but not installed, the start fails with instructions."""
    for name in [*sys.modules]:
        if name.startswith(("opentelemetry", "service.tracing.")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)

    with pytest.raises(TracingUnusable) as refused:
        create_app(ON)

    assert "pip install 'user-profile-service[tracing]'" in str(refused.value)
    assert "opentelemetry.exporter is not installed" in str(refused.value)
