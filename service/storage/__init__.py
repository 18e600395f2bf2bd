"""Profiles in DynamoDB."""
