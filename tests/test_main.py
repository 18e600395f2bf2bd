"""The command line: what it takes, what it loads, and how it ends."""




ENVIRON = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_COGNITO_USER_POOL_ID": "us-east-1_none",
    "AWS_COGNITO_CLIENT_ID": "none",
    "SERVER_HOST": "127.0.0.1",
}
