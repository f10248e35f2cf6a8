"""Fetches records from sources and writes them to Airtable."""
