"""The domain: values, rules, ports and errors; imports the standard library only."""
