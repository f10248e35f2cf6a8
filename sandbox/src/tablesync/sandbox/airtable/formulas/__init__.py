"""Airtable's formula language, as far as filters need it; the README says which functions."""

from .parser import compile_formula

__all__ = ["compile_formula"]
