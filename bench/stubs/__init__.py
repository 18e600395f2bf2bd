"""Stubs of AWS services that cost far less CPU time than what is measured."""
