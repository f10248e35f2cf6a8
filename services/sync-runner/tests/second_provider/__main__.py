"""sync-runner as a process of its own that knows the shops: `python -m second_provider`."""

import json
import os
from functools import partial

from tablesync.contracts import Provider
from tablesync.service_kit.main import run
from tablesync.sync_runner.bootstrap import build
from tablesync.sync_runner.settings import NAME, Settings
from tablesync.sync_runner.sources import SOURCES, StartProvider

from second_provider.budgets import ShopLimits
from second_provider.source import ShopProvider

if __name__ == "__main__":
    limits = ShopLimits(**json.loads(os.environ["SHOP_LIMITS"]))
    known: dict[Provider, StartProvider] = {
        **SOURCES,
        Provider.SHOPIFY: partial(ShopProvider, limits=limits),
    }
    run(partial(build, known_sources=known), Settings, NAME)
