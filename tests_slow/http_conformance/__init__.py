"""Malformed and unusual raw requests, and their responses."""
