"""All that Airtable remembers."""

from tablesync.sandbox.counters import Counters
from tablesync.sandbox.faults import Faults
from tablesync.sandbox.limits import Bucket
from tablesync.sandbox.oauth.answers import AnswerBook
from tablesync.sandbox.oauth.codes import CodeStore
from tablesync.sandbox.oauth.grants import Grant, GrantStore
from tablesync.sandbox.settings import Settings

from .defaults import default_bases
from .listing import Listings
from .tables import Base

BASE_PER_SECOND, USER_PER_SECOND, PENALTY_SECONDS = 5, 50, 30


class AirtableState:
    """Bases, grants, codes, limiters, faults and the auto-answer."""

    KEPT = ("bases", "grants", "failing_sign_ins")

    def __init__(self, settings: Settings, counters: Counters) -> None:
        self.settings = settings
        self.counters = counters
        self.reset()

    def reset(self) -> None:
        """Put everything back to the seed."""
        self.bases: dict[str, Base] = default_bases()
        self.grants = GrantStore("airtable")
        self.codes = CodeStore()
        self.answers = AnswerBook()
        self.faults = Faults(self.settings.latency_ms)
        self.listings = Listings()
        self.limits_on = self.settings.limits == "on"
        self.renew_limits(refill=True)
        self.failing_sign_ins: dict[str, str] = {}
        """By e-mail: `password` or `second_factor`."""

    def admits_base(self, base_id: str) -> bool:
        """Take a place of the base's 5 per second, shared by all its callers."""
        bucket = self._base_buckets.get(base_id)
        if bucket is None:
            bucket = self._bucket(BASE_PER_SECOND)
            self._base_buckets[base_id] = bucket
        return bucket.admit()

    def admits_user(self, user_id: str) -> bool:
        """Take a place of the person's 50 per second over all their tokens."""
        bucket = self._user_buckets.get(user_id)
        if bucket is None:
            bucket = self._bucket(USER_PER_SECOND)
            self._user_buckets[user_id] = bucket
        return bucket.admit()

    def renew_limits(self, refill: bool) -> None:
        """Fill all buckets and end all penalties; without `refill` what is taken stays taken."""
        self._refill = refill
        self._base_buckets: dict[str, Bucket] = {}
        self._user_buckets: dict[str, Bucket] = {}

    def _bucket(self, per_second: int) -> Bucket:
        return Bucket(per_second, per_second if self._refill else 0, PENALTY_SECONDS)

    def reachable(self, grant: Grant) -> list[Base]:
        """Return the bases that the person has and granted."""
        return [base for base in self.bases.values() if can_reach(grant, base)]


def can_reach(grant: Grant, base: Base) -> bool:
    """Whether a grant covers a base that its person still has."""
    granted = grant.bases is None or base.id in grant.bases
    return granted and base.permissions.get(grant.account, "none") != "none"
