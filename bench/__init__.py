"""Measures what a request costs this service, an empty handler, and other stacks."""
