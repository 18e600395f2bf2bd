"""The history of the truth: what callers of several processes saw must be one story per profile."""
