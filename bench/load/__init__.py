"""Load generators: many connections, each with one request at a time."""
