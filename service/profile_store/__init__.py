"""The profile store on DynamoDB."""
