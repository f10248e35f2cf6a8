"""The providers of one process, and what people read of all others too."""

from collections.abc import Iterable, Iterator, Sequence

from tablesync.auth_service.errors import ProviderUnavailableError
from tablesync.auth_service.providers.base import Hints, OAuthProvider
from tablesync.contracts import Provider
from tablesync.contracts.wording import PROVIDER_LABELS

NOT_SERVED_SECONDS = 60.0


class Providers:
    """What this process can ask; a connection may be to a provider that it knows nothing of.

    A service of a newer version may have made such a connection: it is left alone, never lost.
    """

    def __init__(self, served: Iterable[OAuthProvider]) -> None:
        self._served = {each.name: each for each in served}

    def __iter__(self) -> Iterator[Provider]:
        return iter(self._served)

    def all(self) -> Sequence[OAuthProvider]:
        """Return those that can be connected here."""
        return [*self._served.values()]

    def get(self, provider: Provider) -> OAuthProvider | None:
        """Return a provider; None if it is not served."""
        return self._served.get(provider)

    def named(self, name: str) -> OAuthProvider | None:
        """Return the provider of this name; None if there is none or it is not served."""
        return next((each for each in self._served.values() if each.name == name), None)

    def of(self, provider: Provider) -> OAuthProvider:
        """Return a provider; raises ProviderUnavailableError if it is not served."""
        if provider not in self._served:
            raise ProviderUnavailableError(provider, NOT_SERVED_SECONDS, processed=False)
        return self._served[provider]

    def hints(self, provider: Provider) -> Hints:
        """Return what people read of a provider, which holds of any if it is not served."""
        served = self.get(provider)
        return served.hints if served else _hints_of_any(PROVIDER_LABELS[provider])


def _hints_of_any(label: str) -> Hints:
    return Hints(
        asks=f"{label} will ask what TableSync may do there.",
        connect="Choose the account that is to be synced, and allow everything that is asked for.",
        reconnect="Choose the same account as before, and allow everything that is asked for.",
        removal=f"To remove the app too, look for connected apps in the settings of {label}.",
    )
