"""A provider is one place: its folder and its line in SOURCES; what has no line is named."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from tablesync.contracts import Provider, RunFailureCause
from tablesync.contracts.wording import PROVIDER_LABELS
from tablesync.sync_runner.airtable.provider import Airtable
from tablesync.sync_runner.errors import RunFailedError
from tablesync.sync_runner.settings import Settings
from tablesync.sync_runner.sources import SOURCES, Sources, SourceSettings

# Providers whose sources are not built yet; whoever builds one takes its name out here.
NOT_BUILT = frozenset({Provider.SHOPIFY, Provider.MAILCHIMP})
# A budget is asked of the database when it is used, not before.
NO_BUDGETS: Any = None


@pytest.mark.parametrize("provider", Provider)
def test_each_provider_is_a_source_the_destination_or_not_built(provider: Provider) -> None:
    is_source, is_built = provider in SOURCES, provider not in NOT_BUILT
    if provider is Airtable.provider:
        assert not is_source
    else:
        assert is_source == is_built, (
            f"{provider} has no line in SOURCES" if is_built else f"{provider} is built now"
        )


@pytest.mark.parametrize("provider", SOURCES)
def test_a_source_is_one_folder_with_its_own_settings(provider: Provider) -> None:
    folder = files("tablesync.sync_runner.sources") / provider.value
    assert {each.name for each in folder.iterdir()} >= {"provider.py", "settings.py"}
    own = {name for name in SourceSettings.model_fields if provider.value in name}
    assert f"{provider.value}_api_url" in own
    assert own <= set(Settings.model_fields)


@pytest.mark.parametrize("provider", [each for each in Provider if each not in SOURCES])
async def test_what_is_no_source_is_named_in_one_sentence(provider: Provider) -> None:
    sources = Sources(SourceSettings(), NO_BUDGETS)
    with pytest.raises(RunFailedError) as refused:
        sources.of(provider)
    await sources.aclose()
    assert refused.value.cause is RunFailureCause.RESOURCE
    assert refused.value.summary == f"TableSync cannot read from {PROVIDER_LABELS[provider]}."


@pytest.mark.parametrize("provider", SOURCES)
def test_nothing_but_its_folder_and_its_line_knows_a_source_by_name(provider: Provider) -> None:
    """What settings, catalogue, budgets or pipeline knew, a second provider would run into."""
    root = Path(str(files("tablesync.sync_runner")))
    own = {root / "sources" / provider.value, root / "sources" / "__init__.py"}
    others = [each for each in root.rglob("*.py") if not own & {each, *each.parents}]
    assert len(others) > 40
    knowing = [
        str(each.relative_to(root)) for each in others if provider.value in each.read_text().lower()
    ]
    assert not knowing
