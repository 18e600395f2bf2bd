"""Whole implementations of the ports, in memory; the contract suites hold them to it."""
