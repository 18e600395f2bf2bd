"""The identity provider ports on Amazon Cognito."""
