"""What goes wrong around the service: slow clients, and upstreams that fail in all proxies."""
