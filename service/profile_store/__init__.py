"""The profile port on DynamoDB."""
