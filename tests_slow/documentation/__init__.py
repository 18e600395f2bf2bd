"""The commands of the documentation print what it says."""
