"""Sends requests over many connections, each as soon as the one before is answered."""
