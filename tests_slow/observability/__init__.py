"""Generated log events."""
