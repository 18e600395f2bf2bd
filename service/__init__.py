"""User Profile Service: accounts in Amazon Cognito, profiles in DynamoDB, one HTTP API."""

DISTRIBUTION = "user-profile-service"  # the name of the installed package, which has the version
