"""The sandbox: Airtable, HubSpot, an OIDC issuer and a mail catcher over real HTTP and SMTP."""
