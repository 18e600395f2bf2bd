"""Slow journeys through a whole service."""
