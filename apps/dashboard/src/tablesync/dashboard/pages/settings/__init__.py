"""Settings: one's own things, the workspace's members, and what was done in it."""
