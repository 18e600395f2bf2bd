"""The commands of the command line, a module for each; a module imports only what it needs."""
