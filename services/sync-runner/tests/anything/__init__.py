"""Anything that people, providers and machines do to two syncs, in any order."""
