"""Answer Cognito's calls on moto's user pools as Amazon Cognito does."""
