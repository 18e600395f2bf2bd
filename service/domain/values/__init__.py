"""Values without an identity: numbers, texts and times."""
