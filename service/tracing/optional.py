"""Tracing, which is optional: its libraries are imported only where it is configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.startup_errors import TracingUnusable

if TYPE_CHECKING:
    from service.config.settings import TracingConfig
    from service.tracing.spans import Tracing


def tracing(config: TracingConfig, *, version: str) -> Tracing | None:
    """Return the configured tracing, None where it is off; raises TracingUnusable."""
    if config.otlp_endpoint is None:
        return None
    try:
        from service.tracing.spans import Tracing  # noqa: PLC0415 -- see above
    except ImportError as error:
        raise TracingUnusable(
            f"[tracing] otlp-endpoint is set, but {error.name} is not installed: install the extra "
            "with pip install 'user-profile-service[tracing]', or leave otlp-endpoint empty."
        ) from error
    return Tracing(config.otlp_endpoint, sample_ratio=config.sample_ratio, version=version)
