"""Tools of the repository: what `make` and the hooks run, and no part of the service."""
