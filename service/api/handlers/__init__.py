"""The handlers, a module for each resource: load the request, call a use case or a port, respond."""
