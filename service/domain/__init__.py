"""What the service is about: values, rules, ports and errors; standard library only."""
