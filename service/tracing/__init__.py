"""
Traces of requests for an OpenTelemetry collector, where `[tracing] otlp-endpoint` is set.

OpenTelemetry is the extra `tracing`; `optional` imports the modules that use it when they are needed.
"""
