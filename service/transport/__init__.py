"""The way of a call to DynamoDB and of its answer, made cheaper on botocore's extension points."""
