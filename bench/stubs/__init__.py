"""Stand-ins for AWS that cost far less than what is measured in front of them."""
