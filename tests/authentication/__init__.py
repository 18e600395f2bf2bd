"""What only the adapters of identity do."""
