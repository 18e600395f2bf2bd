"""Several processes at once on one user's profile."""
