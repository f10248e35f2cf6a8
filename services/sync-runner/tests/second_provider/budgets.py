"""A shop's two limits, and what its answers say about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from tablesync.service_kit.http.client import json_or_none
from tablesync.sync_runner.access.budgets import Budgets, Claim, Places, Points, Reservation


@dataclass(frozen=True)
class ShopLimits:
    """What a shop allows, as far as is known before it is asked."""

    points: float = 1_000_000.0
    per_second: float = 1_000_000.0
    at_once: int = 1_000


class ShopBudgets:
    """The two limits of one shop: points are waited for first, for no place may get old."""

    def __init__(self, budgets: Budgets, account_id: str, limits: ShopLimits) -> None:
        points = Points(f"shop/{account_id}", limits.points, limits.per_second)
        self.points = budgets.of(points)
        self.at_once = budgets.of(Places(f"shop-at-once/{account_id}", limits.at_once))

    def claims(self, weight: float) -> list[Claim]:
        """Return what a call counts against."""
        return [Claim(self.points, weight), Claim(self.at_once)]

    async def learn(self, response: httpx.Response, reservation: Reservation) -> None:
        """Take in what a call has cost, and how large the bucket is; and if it was empty."""
        cost = _cost(response)
        if cost is None:
            return
        bucket = cost["bucket"]
        self.points.correct(bucket["maximum"], bucket["restored_per_second"])
        await reservation.settle(self.points, cost["actual"] or 0.0)
        if cost["actual"] is None:
            await self.points.lower(bucket["available"])


def _cost(response: httpx.Response) -> Mapping[str, Any] | None:
    found = json_or_none(response)
    return found.get("cost") if isinstance(found, dict) else None
