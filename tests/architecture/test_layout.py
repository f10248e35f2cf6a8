"""Who knows one service knows four: the same spine, the same folders, no heap of modules."""

from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES_IN_A_FOLDER = 14
SPINE = ("__init__", "__main__", "bootstrap", "settings", "errors", "store")
ROOMS = {
    "auth-service": {"consent", "grants", "identity", "providers"},
    "scheduler": {"books", "domain", "drafts", "loops"},
    "sync-runner": {"access", "airtable", "execution", "inquiries", "pipeline", "sources"},
    "notifier": {"incidents", "mail"},
}


def source_of(service: str) -> Path:
    return ROOT / "services" / service / "src/tablesync" / service.replace("-", "_")


def folders() -> list[Path]:
    """Every folder with modules of services, libraries and apps."""
    found = (each for top in ("services", "libs", "apps") for each in ROOT.glob(f"{top}/*/src/**"))
    return sorted(each for each in found if any(each.glob("*.py")))


def modules_in(folder: Path) -> set[str]:
    return {each.stem for each in folder.glob("*.py")}


def packages_in(folder: Path) -> set[str]:
    return {each.parent.name for each in folder.glob("*/__init__.py")}


@pytest.mark.parametrize("folder", folders(), ids=lambda each: str(each.relative_to(ROOT)))
def test_a_folder_holds_no_more_modules_than_one_takes_in(folder: Path) -> None:
    modules = modules_in(folder) - {"__init__", "__main__"}
    assert len(modules) <= MODULES_IN_A_FOLDER, f"is a room missing among {sorted(modules)}?"


@pytest.mark.parametrize("folder", folders(), ids=lambda each: str(each.relative_to(ROOT)))
def test_no_folder_bears_the_name_of_a_module_beside_it(folder: Path) -> None:
    assert not modules_in(folder) & {each.name for each in folder.iterdir() if each.is_dir()}


def test_every_service_has_the_spine(service: str) -> None:
    source = source_of(service)
    assert set(SPINE) <= modules_in(source) | packages_in(source)


def test_every_service_has_api_clients_and_rooms_of_its_own(service: str) -> None:
    rooms = packages_in(source_of(service)) - set(SPINE)
    assert rooms == {"api", "clients"} | ROOMS[service]


def test_a_client_is_a_file_named_after_whom_it_asks(
    service: str, edges: frozenset[tuple[str, str]]
) -> None:
    asked = {callee.replace("-", "_") for caller, callee in edges if caller == service}
    assert modules_in(source_of(service) / "clients") - {"__init__"} == asked
    for peer in asked:
        module = import_module(f"tablesync.{service.replace('-', '_')}.clients.{peer}")
        assert hasattr(module, f"{peer.title().replace('_', '')}Client")
