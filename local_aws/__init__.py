"""Run a strict local Amazon Cognito, and DynamoDB beside it, on moto's server."""
