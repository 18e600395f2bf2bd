"""Authentication of requests: load balancer tokens, access tokens, the trusted header."""
