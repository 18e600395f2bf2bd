"""The checks of a deployment, on the local AWS."""
