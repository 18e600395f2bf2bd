"""Tests of the metrics and of their exposition."""
