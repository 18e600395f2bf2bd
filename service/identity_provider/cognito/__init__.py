"""The ports of the accounts on an Amazon Cognito user pool, by the calls that an app client may make."""
