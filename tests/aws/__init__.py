"""What botocore does, done at less cost."""
