"""Calls of AWS that end late or fail again and again, and generated answers."""
