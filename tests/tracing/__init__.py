"""Traces: what a collector is sent, and that nothing is loaded where nobody asked for them."""
