"""Tests of the DynamoDB profile store."""
