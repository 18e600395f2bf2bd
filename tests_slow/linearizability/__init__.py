"""Linearizability of profiles: the calls of several processes must have one order for each profile."""
