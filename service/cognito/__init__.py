"""The account ports on Amazon Cognito."""
