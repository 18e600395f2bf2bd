"""The handlers, a module for each noun, named for the deed: load, call one use case, answer."""
