"""Fakes, proxies, scripted servers and key makers that several test packages share."""
