"""The API document against the service: what schemathesis makes of it, by the thousand."""
