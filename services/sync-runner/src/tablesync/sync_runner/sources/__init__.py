"""Sources: what a sync can read from, one module a provider."""
