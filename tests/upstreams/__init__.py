"""Tests of what is known of upstreams."""
