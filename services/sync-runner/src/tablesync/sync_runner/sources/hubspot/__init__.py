"""HubSpot as a source."""
