"""The HTTP layer, with fakes behind the ports."""
