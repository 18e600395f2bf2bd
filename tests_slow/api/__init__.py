"""The HTTP layer, by more examples than the fast tests have time for."""
