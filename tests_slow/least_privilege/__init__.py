"""The suite's own guard, in a run of pytest."""
