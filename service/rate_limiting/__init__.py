"""Rate limits of calls to Cognito, and the lockout of account names."""
