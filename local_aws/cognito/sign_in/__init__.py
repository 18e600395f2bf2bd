"""Sign-in: its flows, the challenges of each, and the factors that they ask for."""
