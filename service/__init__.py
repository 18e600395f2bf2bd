"""User Profile Service: accounts in Amazon Cognito, profiles in DynamoDB, one HTTP API."""
