"""The same work with dlt: HubSpot's deals, page by page, upserted into an Airtable table.

As a user of dlt would build it: its REST client follows the pages, its normaliser writes the load
package, and a custom destination sends batches of ten, in as many load jobs at once as TableSync
has writes in flight. Reads a JSON job from stdin; writes the seconds that the pipeline took.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import dlt
import requests
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator

JOB = json.load(sys.stdin)


@dlt.resource(name="deals", write_disposition="append", max_table_nesting=0)
def deals() -> Any:
    """Read all deals with the mapped properties."""
    client = RESTClient(
        base_url=JOB["hubspot"]["url"],
        auth=BearerTokenAuth(JOB["hubspot"]["token"]),
        paginator=JSONLinkPaginator(next_url_path="paging.next.link"),
    )
    names = ",".join(each["source"] for each in JOB["mapping"])
    query = {"limit": 100, "properties": names}
    for page in client.paginate(JOB["hubspot"]["path"], params=query, data_selector="results"):
        yield [{"id": each["id"], "properties": each["properties"]} for each in page]


@dlt.destination(
    batch_size=10,
    loader_file_format="typed-jsonl",
    naming_convention="direct",
    skip_dlt_columns_and_tables=True,
    max_table_nesting=0,
    loader_parallelism_strategy="parallel",
    max_parallel_load_jobs=JOB["in_flight"],
)
def airtable(items: Any, table: Any) -> None:
    """Upsert up to ten records."""
    body = {
        "performUpsert": {"fieldsToMergeOn": [JOB["key_field"]]},
        "records": [{"fields": _cells(each)} for each in items],
    }
    answer = SESSION.patch(
        JOB["airtable"]["url"] + JOB["airtable"]["path"],
        json=body,
        headers={"Authorization": f"Bearer {JOB['airtable']['token']}"},
        timeout=60,
    )
    answer.raise_for_status()


SESSION = requests.Session()
SESSION.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=JOB["in_flight"]))


def _cells(record: dict[str, Any]) -> dict[str, Any]:
    given = record["properties"]
    if isinstance(given, str):
        given = json.loads(given)
    cells = {each["field_id"]: _cell(given.get(each["source"]), each) for each in JOB["mapping"]}
    return {JOB["key_field"]: str(record["id"]), **cells}


def _cell(value: str | None, mapped: dict[str, Any]) -> Any:
    if value is None or value == "":
        return None
    kind, labels = mapped["type"], mapped["labels"]
    if kind in ("number", "currency", "percent"):
        return float(value)
    if kind == "checkbox":
        return value == "true"
    if kind == "multipleSelects":
        return [labels.get(each, each) for each in value.split(";") if each]
    return labels.get(value, value)


def main() -> None:
    """Run the pipeline in a folder of its own, and say how long it took."""
    dlt.config["data_writer.file_max_items"] = JOB["records"] // JOB["in_flight"]
    dlt.config["load.workers"] = JOB["in_flight"]
    dlt.config["runtime.dlthub_telemetry"] = False
    pipeline = dlt.pipeline(
        "deals", pipelines_dir=str(Path(JOB["folder"])), destination=airtable, dataset_name="deals"
    )
    began = time.monotonic()
    pipeline.run(deals())
    sys.stdout.write(json.dumps({"seconds": time.monotonic() - began}) + "\n")


if __name__ == "__main__":
    main()
