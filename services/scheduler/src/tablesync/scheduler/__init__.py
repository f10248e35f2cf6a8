"""Decides when a sync runs, and holds and releases it."""
