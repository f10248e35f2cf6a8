"""What people do to a table that a sync writes: they copy rows and rename fields."""

from sync_runner_rig import Json, Rig, text
from tablesync.contracts import FieldMapping, SyncSpec, new_id


async def named_deals(rig: Rig) -> tuple[SyncSpec, dict[str, str]]:
    """Make a sync of the deals' names; return it with its fields by name."""
    to, (key, name) = await rig.new_table(text("Key"), text("Name"))
    spec = await rig.spec(
        "deals",
        destination=to,
        key=FieldMapping(source="id", field_id=key),
        mapping=(FieldMapping(source="dealname", field_id=name),),
    )
    return spec, {"Key": key, "Name": name}


async def test_a_row_that_somebody_copied_is_left_alone_and_its_own_is_written(rig: Rig) -> None:
    spec, _ = await named_deals(rig)
    to = spec.destination
    async with rig.runner():
        await rig.run(spec)
        first = (await rig.named_rows(spec))[0]
        copied: Json = {"fields": first}
        await rig.call(rig.airtable, "POST", f"/v0/{to.base_id}/{to.table_id}", copied)
        await rig.edit("deals", [first["Key"]], dealname="changed")
        row = await rig.run(spec)
        second = await rig.run(spec.model_copy(update={"sync_id": new_id("syn")}))
    assert (row["status"], row["counts"]["written"]) == ("succeeded", 1), row["summary"]
    names = [each["Name"] for each in await rig.named_rows(spec) if each["Key"] == first["Key"]]
    assert sorted(names) == sorted(["changed", first["Name"]]), "the copy is as it was"
    (told,) = (await rig.rejections(second["_id"])).values()
    assert told["source_id"] == first["Key"]
    assert told["reason"].startswith("several rows have the key")


async def test_a_field_is_known_by_its_id_whatever_it_is_called(rig: Rig) -> None:
    spec, fields = await named_deals(rig)
    async with rig.runner():
        await rig.run(spec)
        await rig.at_table(spec, "rename-field", field=fields["Name"], name="Renamed")
        first = (await rig.named_rows(spec))[0]["Key"]
        await rig.edit("deals", [first], dealname="changed")
        renamed = await rig.run(spec)
        assert not await rig.differences(spec)
        await rig.at_table(spec, "delete-field", field=fields["Name"])
        deleted = await rig.run(spec)
        made = await rig.at_table(spec, "add-field", field=text("Renamed"))
        remade = await rig.run(spec)
        mapping = (FieldMapping(source="dealname", field_id=made["id"]),)
        mapped = spec.model_copy(update={"mapping": mapping, "version": 2})
        mended = await rig.run(mapped)
    assert (renamed["status"], renamed["counts"]["written"]) == ("succeeded", 1)
    for each in (deleted, remade):
        assert (each["status"], each["cause"]) == ("failed", "mapping"), each["summary"]
        assert fields["Name"] in each["summary"]
    assert (mended["status"], mended["counts"]["written"]) == ("succeeded", 20)
    assert not await rig.differences(mapped)
