"""Open problems: one per lost connection, one per failing sync and cause."""
