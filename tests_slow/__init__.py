"""The slow tier of the tests; it mirrors `tests`."""
