"""The service as its users meet it: over sockets, in front of the local AWS."""
