"""The settings: their definitions, and the loader that reads them from a file and the environment."""
