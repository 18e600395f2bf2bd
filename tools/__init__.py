"""Tools of the repository for `make` and the git hooks; not part of the service."""
