"""Tests of the HTTP layer with generated examples."""
