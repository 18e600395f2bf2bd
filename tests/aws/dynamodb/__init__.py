"""Tests of the DynamoDB client."""
