"""Field types of profiles, also for the fields of a deployment's own schema."""
