"""Checks of a running deployment, made as a client of its HTTP API."""
