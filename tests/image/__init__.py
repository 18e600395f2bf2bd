"""What is in the service's image."""
