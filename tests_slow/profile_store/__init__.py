"""Tests of the profile store with lost replies, foreign items and interrupted deletions."""
