"""Tests of dynamodb."""
