"""What may be called with whose grant: connections, gates, budgets."""
