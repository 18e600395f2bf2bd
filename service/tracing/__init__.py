"""
Traces of requests for an OpenTelemetry collector, where `[tracing] otlp-endpoint` asks for them.

Only `spans` knows OpenTelemetry, which is the extra `tracing`; `extra` imports it when it is needed.
"""
