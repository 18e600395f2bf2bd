"""Tests of the Cognito adapter against a Cognito that answers what they say."""
