"""The settings: their definitions, and how they are read from files and the environment."""
