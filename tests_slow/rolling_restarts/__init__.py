"""Rolling restarts behind a load balancer, which no client may notice."""
