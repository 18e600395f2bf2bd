"""What a team would write instead: each a small program with the same read, on one route."""
