"""The commands as programs."""
