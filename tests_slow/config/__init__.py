"""Slow tests of the settings."""
