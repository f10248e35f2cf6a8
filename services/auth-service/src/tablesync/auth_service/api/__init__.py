"""Every route and page of auth-service, and what they show."""
