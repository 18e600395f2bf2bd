"""Slow tests of the checks of a deployment."""
