"""What each refusal of Cognito means: its exceptions and their messages, as errors of the domain."""
