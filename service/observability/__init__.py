"""The log, the metrics, and the telemetry of calls to upstreams."""
