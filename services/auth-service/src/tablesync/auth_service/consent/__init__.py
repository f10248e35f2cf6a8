"""From the click to the grant: authorizations, reconnecting, the links in mails."""
