"""auth-service, as the scheduler asks it: how connections stand."""

from tablesync.service_kit.http.peer import AuthServicePeer


class AuthServiceClient(AuthServicePeer):
    """Asks auth-service what every service asks it, and nothing else."""
