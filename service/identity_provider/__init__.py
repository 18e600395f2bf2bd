"""Accounts in Amazon Cognito, and the sources that prove identity."""
