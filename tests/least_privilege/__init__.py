"""Checks that the tests' calls to DynamoDB are allowed by the policy of the service's role."""
