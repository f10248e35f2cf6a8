"""Syncs that somebody has begun to make, as far as they have come; no I/O."""
