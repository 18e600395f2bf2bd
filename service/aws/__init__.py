"""Clients of AWS: sessions, credentials, retries, and the translation of errors."""
