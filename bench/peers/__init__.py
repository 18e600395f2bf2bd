"""The stacks compared with: each a small program with the same read, on one route."""
