"""Requests that no sound client sends, by the hundred, and the answers to them."""
