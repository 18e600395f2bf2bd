"""Tests of the server process that are too long for the fast tier."""
