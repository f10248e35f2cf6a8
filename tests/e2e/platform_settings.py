"""How large and how quick the platforms of the stories are."""

from pathlib import Path

ROOT = Path(__file__).parents[2]

# Few records, since the runner keeps Airtable's real limit of 50 records/s a base; enough edits
# to fill more than two pages of 200, so that the story's uninstall comes in the middle of a run.
SMALL = {"SANDBOX_CONTACTS": "450", "SANDBOX_COMPANIES": "60", "SANDBOX_DEALS": "40"}
HURRY = {"SCHEDULER_MIN_INTERVAL_SECONDS": "1", "SCHEDULER_CATCH_UP_JITTER_SECONDS": "1"}
QUICK_TAKEOVER = {"RUNNER_LEASE_SECONDS": "5", "RUNNER_REQUEST_SECONDS": "10"}
