"""The OpenAPI document checked against the service by schemathesis."""
