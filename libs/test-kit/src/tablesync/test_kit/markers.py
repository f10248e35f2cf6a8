"""Marks each test as unit, integration, e2e or soak by what it uses and where it stands."""

import pytest

KINDS = ("unit", "integration", "e2e", "soak")
REAL_THINGS = frozenset({"kafka_bootstrap", "mongodb_uri", "sandbox_url", "browser"})


def mark(items: list[pytest.Item]) -> None:
    """Mark every test that does not say its kind by what it uses."""
    for item in items:
        if not any(item.get_closest_marker(kind) for kind in KINDS):
            item.add_marker(kind_of(item))


def kind_of(item: pytest.Item) -> str:
    """Say which kind a test is."""
    for folder in ("e2e", "soak"):
        if folder in item.path.parts:
            return folder
    uses_real_things = REAL_THINGS & set(getattr(item, "fixturenames", ()))
    return "integration" if uses_real_things or "integration" in item.path.parts else "unit"
