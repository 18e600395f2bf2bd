"""What the command line can do, a module for each command; each imports no more than it needs."""
