"""A user's activity in the table, and the read of all that the table holds of a user."""
