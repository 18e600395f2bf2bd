"""Processes of the previous version and of this one on one table, as in a rolling deployment."""
