"""The service behind the reverse proxies that are installed."""
