"""Everything the sandbox remembers, built once and put back to the seed on request."""

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
