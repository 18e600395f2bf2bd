"""What only the DynamoDB adapter does."""
