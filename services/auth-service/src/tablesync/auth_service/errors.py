"""Errors of auth-service, sorted by what the caller must do.

ProviderUnavailableError     wait and try again; `processed`: the provider may have acted
RefreshConflictError         somebody else has just refreshed: read the grant again
GrantLostError               the provider has ended the grant: only a reconnect helps
CodeRefusedError             the authorization code is no good: start the authorization again
WebhookRefusedError          tell who sent it: the provider has not
HostRefusedError             tell who began: what was given names no host of the provider
AppRefusedError              our own credentials or requests are wrong: alarm us, revoke nothing
UnreadableGrantError         the stored grant cannot be read here: alarm us, revoke nothing
Problem (service_kit)        tell the caller
"""

from tablesync.contracts import ConnectionCause
from tablesync.service_kit.errors import DependencyUnavailableError


class ProviderUnavailableError(DependencyUnavailableError):
    """The provider is away, slow or throttling us.

    `processed` is False when it surely has not acted on the request: then the request may be
    sent again. Otherwise nobody knows, and a rotating refresh token may be used up.
    """

    def __init__(self, provider: str, retry_after: float = 5.0, *, processed: bool = True) -> None:
        super().__init__(provider, retry_after)
        self.processed = processed


class ProviderError(Exception):
    """A definite answer of a provider; its text never holds a token."""


class RefreshConflictError(ProviderError):
    """The token has just been refreshed by somebody else."""


class GrantLostError(ProviderError):
    """The provider says that the grant has ended."""

    def __init__(self, cause: ConnectionCause) -> None:
        super().__init__(cause.value)
        self.cause = cause


class CodeRefusedError(ProviderError):
    """The authorization code is expired, used or not ours."""


class AppRefusedError(ProviderError):
    """The provider refuses us as an app: wrong credentials or a wrong request.

    `processed` is False where the words are the token endpoint's own, which then has not acted on
    the request. Any other refusal may be a stranger's, whose place on the way is not known.
    """

    def __init__(self, reason: str, *, processed: bool = True) -> None:
        super().__init__(reason)
        self.processed = processed


class WebhookRefusedError(Exception):
    """What came as a webhook is not signed by its provider."""


class HostRefusedError(Exception):
    """What was given to connect at is no host of the provider: what is wrong, and what helps."""

    def __init__(self, fault: str, remedy: str) -> None:
        super().__init__(fault)
        self.fault = fault
        self.remedy = remedy


class UnreadableGrantError(Exception):
    """A stored grant is not understood, or a secret of it does not decrypt in its place."""
