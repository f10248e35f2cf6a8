"""Owns connections and their OAuth tokens."""
