"""Rolling restarts behind a balancer, of which no caller is to notice anything."""
