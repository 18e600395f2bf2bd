"""Tests of the log, the metrics and the telemetry of upstream calls."""
