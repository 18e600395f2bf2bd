"""What is deployed agrees with the service, the image and the settings."""
