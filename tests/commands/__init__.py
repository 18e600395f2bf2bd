"""The commands, as programs of their own where that matters."""
