"""Token buckets and the lockout of account names."""
