"""The state of the local AWS in a file: accounts and tables survive a restart."""
