"""The export of all data of a user."""
