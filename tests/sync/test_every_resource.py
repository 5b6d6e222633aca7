"""What holds for users holds for every declared resource, from its declaration alone."""

import csv
import io
import json

import pytest

from app.core import mapping
from app.core.kinds import Prose, Text
from app.resources import REGISTRY
from tests.support.factory import Factory, editable, values

every_resource = pytest.mark.parametrize("resource", REGISTRY.values(), ids=REGISTRY)
HEADERS = {"X-API-Key": "demo-api-key"}


@pytest.fixture
def registry():
    return REGISTRY


@pytest.fixture
def factory(client):
    return Factory(client)


def in_the_crm(crm, resource, crm_id):
    return crm.http.get(f"{resource.crm_path}/{crm_id}", headers=HEADERS).json


def edited_there(crm, resource, crm_id, **fields):
    answer = crm.http.patch(f"{resource.crm_path}/{crm_id}", json=fields, headers=HEADERS)
    assert answer.status_code == 200, answer.text
    return answer.json


def theirs(resource, record):
    """Return what the CRM should hold of a record, but for its references."""
    fields = {name: record[name] for name in resource.fields if name not in resource.references}
    return mapping.to_crm(resource, fields)


@every_resource
def test_a_record_made_here_is_in_the_crm_in_its_own_form(client, crm, factory, resource):
    record = factory.make(resource)
    assert record["sync_status"] == "synced", record["sync_error"]
    found = in_the_crm(crm, resource, record["crm_id"])
    expected = theirs(resource, record)
    assert {name: found[name] for name in expected} == expected
    assert client.get(f"/{resource.name}/{record['id']}").json == record


@every_resource
def test_each_field_that_is_edited_here_reaches_the_crm(client, crm, factory, resource):
    record = factory.make(resource)
    for field in editable(resource):
        new = values(field)[1]
        answer = client.patch(f"/{resource.name}/{record['id']}", json={field.name: new})
        assert (answer.status_code, answer.json[field.name]) == (200, new), answer.text
        assert answer.json["sync_status"] == "synced", answer.json["sync_error"]
        assert in_the_crm(crm, resource, record["crm_id"])[field.crm] == field.to_crm(new)


@every_resource
def test_each_field_that_is_edited_there_comes_back_by_webhook(client, crm, factory, webhook, resource):
    record = factory.make(resource)
    client.post("/sync")  # what follows from its parents, too
    for field in editable(resource):
        new = values(field)[1]
        told = edited_there(crm, resource, record["crm_id"], **{field.crm: field.to_crm(new)})
        answer = webhook(
            record["crm_id"], {field.crm: field.to_crm(new)}, resource=resource.name, version=told["version"]
        )
        assert answer.json["outcome"] == "applied", (field.name, answer.text)
        assert client.get(f"/{resource.name}/{record['id']}").json[field.name] == new
    calls = len(crm.calls(path=resource.crm_path))
    client.post("/sync")
    assert not [one for one in crm.calls(path=resource.crm_path)[calls:] if one.method != "GET"], "an echo"


@every_resource
def test_a_record_made_there_comes_here_by_a_pull_and_stays_in_step(client, crm, factory, resource):
    record = factory.make(resource)
    fields = in_the_crm(crm, resource, record["crm_id"])
    fresh = {name: fields[name] for name in (one.crm for one in resource.fields.values()) if name in fields}
    for field in resource.fields.values():
        if field.unique:
            fresh[field.crm] = values(field)[0]
    made = crm.http.post(resource.crm_path, json=fresh, headers=HEADERS).json
    assert client.post("/sync").json["status"] == "succeeded"
    found = client.get(f"/{resource.name}", query_string={"sort": "-created_at"}).json["data"]
    (pulled,) = [one for one in found if one["crm_id"] == made["crm_id"]]
    alike = [name for name, field in resource.fields.items() if field.crm and not field.unique]
    assert {name: pulled[name] for name in alike} == {name: record[name] for name in alike}
    assert client.post("/sync/verify", json={"resources": [resource.name]}).json["differences"] == []


@every_resource
def test_a_conflict_is_decided_and_both_values_are_kept(client, crm, factory, resource):
    record = factory.make(resource)
    field = next(one for one in editable(resource) if one.kind in {Text, Prose})
    here, there = "Ours", "Theirs"
    edited_there(crm, resource, record["crm_id"], **{field.crm: there})
    answer = client.patch(f"/{resource.name}/{record['id']}", json={field.name: here})
    assert answer.json[field.name] == there
    (found,) = client.get(f"/sync/conflicts?resource={resource.name}").json["data"]
    assert (found["field"], found["local"], found["crm"], found["resolution"]) == (field.name, here, there, "crm")


@every_resource
def test_deletes_go_both_ways(client, crm, factory, resource):
    ours, theirs_ = factory.make(resource), factory.make(resource)
    assert client.delete(f"/{resource.name}/{ours['id']}").status_code == 204
    assert crm.http.get(f"{resource.crm_path}/{ours['crm_id']}", headers=HEADERS).status_code == 404
    crm.http.delete(f"{resource.crm_path}/{theirs_['crm_id']}", headers=HEADERS)
    client.post("/sync", json={"resources": [resource.name]})
    assert client.get(f"/{resource.name}/{theirs_['id']}").status_code == 404
    restored = client.post(f"/{resource.name}/{ours['id']}/restore")
    assert (restored.status_code, restored.json["sync_status"]) == (200, "synced")


@every_resource
def test_the_journal_replays_to_the_record(client, factory, resource):
    record = factory.make(resource)
    field = editable(resource)[0]
    client.patch(f"/{resource.name}/{record['id']}", json={field.name: values(field)[1]})
    now = client.get(f"/{resource.name}/{record['id']}").json
    replayed = {}
    for one in reversed(client.get(f"/{resource.name}/{record['id']}/changes").json["data"]):
        assert replayed.get(one["field"]) == one["from"]
        replayed[one["field"]] = one["to"]
    assert {name: replayed.get(name) for name in resource.fields} == {name: now[name] for name in resource.fields}
    assert client.get(f"/{resource.name}/{record['id']}/explain").status_code == 200


@every_resource
def test_every_field_that_can_be_filtered_by_finds_its_record(client, factory, resource):
    record = factory.make(resource)
    for name, field in resource.fields.items():
        if not field.kind.filterable or record[name] in {None, ""}:
            continue
        text = json.dumps(record[name]) if not isinstance(record[name], str) else record[name]
        found = client.get(f"/{resource.name}", query_string={name: text})
        assert record["id"] in [one["id"] for one in found.json["data"]], (name, found.text)


@every_resource
def test_a_batch_stores_what_is_good_and_names_what_is_not(client, factory, resource):
    good, bad = factory.draft(resource), factory.draft(resource) | {"nonsense": 1}
    answer = client.post(f"/{resource.name}/batch", json={"items": [good, bad]}).json
    assert (answer["created"], answer["failed"]) == (1, 1)
    assert answer["results"][1]["errors"] == {"nonsense": ["Unknown field."]}
    ids = [answer["results"][0]["record"]["id"], factory.make(resource)["id"]]
    field = next(one for one in editable(resource) if not one.unique)
    edited = client.patch(f"/{resource.name}", json={"ids": ids, "set": {field.name: values(field)[1]}}).json
    assert (edited["success"], edited["updated"]) == (True, 2)
    assert {one["record"][field.name] == values(field)[1] for one in edited["results"]} == {True}


@every_resource
@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_what_is_exported_can_be_imported_as_it_was(app, client, factory, resource, kind, tmp_path):
    record = factory.make(resource)
    out = tmp_path / f"out.{kind}"
    cli = app.test_cli_runner()
    assert cli.invoke(args=["sync", "export", "--resource", resource.name, "--output", str(out)]).exit_code == 0
    client.delete(f"/{resource.name}/{record['id']}")
    text = out.read_text("utf-8")
    rows = (
        list(csv.DictReader(io.StringIO(text))) if kind == "csv" else [json.loads(line) for line in text.splitlines()]
    )
    only = tmp_path / f"in.{kind}"
    (mine,) = [row for row in rows if row["id"] == record["id"]]
    if kind == "csv":
        with only.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(mine))
            writer.writeheader()
            writer.writerow(mine)
    else:
        only.write_text(json.dumps(mine), "utf-8")
    done = cli.invoke(args=["sync", "import", "--resource", resource.name, str(only)])
    assert done.exit_code == 0, done.output
    found = client.get(f"/{resource.name}", query_string={"sort": "-created_at"}).json["data"]
    again = {name: found[0][name] for name in resource.fields}
    assert again == {name: record[name] for name in resource.fields}


@every_resource
def test_a_write_that_cannot_be_names_every_wrong_field(client, factory, resource):
    wrong = {name: {"no": "value"} for name, field in resource.fields.items()
             if name not in {"address", "custom_fields"}}  # fmt: skip
    answer = client.post(f"/{resource.name}", json=wrong)
    assert answer.status_code == 400
    assert set(answer.json["errors"]) == set(wrong)
    record = factory.make(resource)
    stale = client.patch(f"/{resource.name}/{record['id']}", json={"version": 99})
    assert stale.status_code == 412
