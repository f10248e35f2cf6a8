"""HubSpot as a source: OAuth, CRM objects, search, properties and their limits."""
