"""Tests of the AWS clients."""
