"""Clients of the API: those that generators make of its document, and the one of clients/typescript."""
