"""The services that auth-service asks over HTTP, a file each."""
