"""Runs under way: who takes them, watches over them, tells of them and stops them."""
