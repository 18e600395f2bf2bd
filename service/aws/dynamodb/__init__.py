"""The client of DynamoDB."""
