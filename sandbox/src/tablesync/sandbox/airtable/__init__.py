"""Airtable as a destination: OAuth, schema, records, upsert and their limits."""
