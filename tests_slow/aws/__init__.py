"""Slow tests of the AWS clients: timeouts, outages and generated responses."""
