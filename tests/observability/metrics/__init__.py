"""What the service counts and times of itself, and how Prometheus reads it."""
