"""P16: whatever is said of limits, nobody hammers and no account stands still."""

import time

import pytest
from hostile_hubspot import Told, hostile_runner
from sync_runner_rig import Rig

LIST, SEARCH = "/objects/2026-09/deals", "/deals/search"
HTML, NO_POLICY = b"<html>429</html>", b'{"message": "slow down"}'
ROLLING, SECONDLY = b'{"policyName": "TEN_SECONDLY_ROLLING"}', b'{"policyName": "SECONDLY"}'


@pytest.mark.parametrize(
    ("path", "body", "waits"),
    [
        (SEARCH, HTML, 10),
        (SEARCH, NO_POLICY, 10),
        (SEARCH, ROLLING, 10),
        (SEARCH, SECONDLY, 1),
        (LIST, HTML, 10),
        (LIST, SECONDLY, 1),
    ],
)
async def test_p16_a_429_is_waited_out_by_whoever_met_it(
    rig: Rig, path: str, body: bytes, waits: float
) -> None:
    """Also where it names another limit than the one that the call has reserved."""
    spec = await rig.spec("deals")
    asked: list[float] = []

    def refuse(told: Told) -> Told:
        asked.append(time.monotonic())
        return Told(429, {}, body) if len(asked) == 1 else told

    async with hostile_runner(rig) as hubspot:
        if path == SEARCH:  # a first run lists
            await rig.run(spec)
        hubspot.alter(path, refuse)
        row = await rig.run(spec, timeout=60)
    assert row["status"] == "succeeded", row["summary"]
    assert asked[1] - asked[0] > waits - 0.1
