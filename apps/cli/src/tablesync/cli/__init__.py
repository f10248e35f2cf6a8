"""The tablesync command: an HTTP client of the services."""
