"""The suite's calls of DynamoDB, made under the policy of the service's role."""
