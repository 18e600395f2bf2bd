"""The local AWS in processes of its own."""
