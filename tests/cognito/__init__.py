"""Tests of the Cognito adapters against a scripted Cognito."""
