"""HTTP before the application: connections, limits, workers, readiness."""
