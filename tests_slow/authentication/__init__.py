"""Tests of authentication with thousands of mutated tokens."""
