"""Checks of a deployment: what it needs in AWS, and how it answers."""
