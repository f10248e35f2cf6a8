"""Errors of the notifier, sorted by what the worker must do with its mail job.

MailDelayedError       the mail was surely not handed over: try again later, for ever
RecipientRefusedError  this address will never take mail: try the next recipient
OutcomeUnknownError    it may have been handed over: one repeat with the same Message-ID
ClaimLostError         another worker has the job, or it was cancelled: leave it
UnknownToPeerError (service_kit)  the other service knows nothing of it: go on without
"""


class MailDelayedError(Exception):
    """The mail server is away or refuses for now; nothing was handed over."""


class RecipientRefusedError(Exception):
    """The mail server will never take mail for this address."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(reason)
        self.address = address


class OutcomeUnknownError(Exception):
    """The connection broke after the mail was handed over and before the answer."""


class ClaimLostError(Exception):
    """The job is no longer this worker's."""
