"""Hostile clients against a `serve` process, side by side with a well-behaved one."""
