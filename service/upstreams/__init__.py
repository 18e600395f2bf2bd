"""What this service knows of the services that it calls: whether they work."""
