"""Tests of the rate limiter and the lockout."""
