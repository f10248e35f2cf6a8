"""Everything the sandbox remembers, built once and put back to the seed on request."""

from typing import Any

from .airtable.state import AirtableState
from .counters import Counters
from .hubspot.state import HubSpotState
from .mail.mailbox import Mailbox
from .mail.smtp import Catcher
from .oidc import OidcIssuer
from .settings import Settings


class World:
    """The providers, the issuer, the mailbox and the counters."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.counters = Counters()
        self.airtable = AirtableState(settings, self.counters)
        self.hubspot = HubSpotState(settings, self.counters)
        self.oidc = OidcIssuer(settings)
        self.mailbox = Mailbox()
        self.catcher = Catcher(self.mailbox, self.counters)

    def reset(self) -> None:
        """Put everything back to the seed."""
        self.counters.reset()
        self.airtable.reset()
        self.hubspot.reset()
        self.oidc.reset()
        self.mailbox.clear()
        self.catcher.mend()

    def memory(self) -> dict[str, dict[str, Any]]:
        """Return what is kept from one process to the next."""
        return {
            part: {name: getattr(remembers, name) for name in remembers.KEPT}
            for part, remembers in self._remembering.items()
        }

    def recall(self, memory: dict[str, dict[str, Any]]) -> None:
        """Be again what `memory` said; limits begin anew."""
        for part, remembers in self._remembering.items():
            for name, value in memory[part].items():
                setattr(remembers, name, value)
        self.airtable.renew_limits(refill=True)
        self.hubspot.renew_limits(refill=True)

    @property
    def _remembering(self) -> dict[str, AirtableState | HubSpotState | Mailbox]:
        return {"airtable": self.airtable, "hubspot": self.hubspot, "mailbox": self.mailbox}
