"""`python -m bench latency`: what a read takes at a fixed rate, while DynamoDB answers late."""
