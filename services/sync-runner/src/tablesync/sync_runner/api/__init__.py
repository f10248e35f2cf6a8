"""Every route of sync-runner, and the catalogue that they show."""
