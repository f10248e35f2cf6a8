"""Plays TableSync's main story and shows that it held."""
