"""The OpenAPI document and the JSON Schema of a profile."""
