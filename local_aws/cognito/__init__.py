"""A strict Amazon Cognito on moto's user pools."""
