"""Hostile clients against a `serve` process, with a well-behaved client beside them."""
