"""What the service takes and answers is what the OpenAPI document says, no more and no less."""

import pytest

from app.http import openapi_examples as examples
from app.http.openapi_parts import names
from app.http.openapi_relations import action_id, belonging
from app.resources import REGISTRY
from tests.support.answers import assert_documented
from tests.support.openapi import operations, resources
from tests.support.records import referred_to

TEXT = {"data": "x"}
SYNC = {"sync", "runs", "conflicts"}
"""Tags of what has its own test, in test_openapi_answers_sync.py."""
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def registry():
    return REGISTRY


@resources
def test_what_a_schema_calls_required_is_required(client, document, resource):
    one, _ = names(resource)
    required = document["components"]["schemas"][f"{one}Create"]["required"]
    assert set(client.post(f"/{resource.name}", json={}).json["errors"]) == set(required)


@resources
def test_the_parameters_of_a_listing_are_those_it_takes(client, document, resource):
    _, many = names(resource)
    for one in operations(document)[f"list{many}"][2]["parameters"]:
        schema = one["schema"]
        assert client.get(f"/{resource.name}", query_string={one["name"]: ""}).status_code in {200, 400}
        for value in schema.get("enum", []):
            assert client.get(f"/{resource.name}", query_string={one["name"]: value}).status_code == 200, value
        if "maximum" in schema:
            for value, status in ((schema["maximum"], 200), (schema["maximum"] + 1, 400), (schema["minimum"] - 1, 400)):
                assert client.get(f"/{resource.name}", query_string={one["name"]: value}).status_code == status
        if "maxLength" in schema:
            for length, status in ((schema["maxLength"], 200), (schema["maxLength"] + 1, 400)):
                assert client.get(f"/{resource.name}", query_string={one["name"]: "x" * length}).status_code == status
    assert client.get(f"/{resource.name}?nonsense=1").status_code == 400


@resources
def test_what_is_answered_about_records_is_documented(client, document, engine, resource):
    referred_to(engine, resource)
    made = client.post(f"/{resource.name}", json=examples.whole(resource)).json
    answers = {
        **of_one(client, resource, made),
        **of_many(client, resource, made),
        **of_relations(client, engine, resource, made),
        **of_calendar(client, resource, made),
        **of_the_past(client, resource, made),
        **of_the_end(client, resource, made),
    }
    assert_documented(document, {resource.name}, answers)


def of_one(client, resource, made):
    one, where, whole = names(resource)[0], f"/{resource.name}", examples.whole(resource)
    mine = f"{where}/{made['id']}"
    key = {"headers": {"Idempotency-Key": "one"}}
    least = examples.least(resource)
    return {
        f"create{one}": [
            client.post(where, json=least, **key),
            client.post(where, json=least, **key),
            client.post(where, json=whole, **key),
            client.post(where, json=whole if resource.unique_fields else {}),
            client.post(where, json={}),
            client.post(where, **TEXT),
            client.post(where, data="x" * 2**21, content_type="application/json"),
        ],
        f"read{one}": [
            client.get(mine),
            client.get(mine, headers={"If-None-Match": "*"}),
            client.get(f"{where}/{NOBODY}"),
        ],
        f"replace{one}": [client.put(mine, json=whole), client.put(mine, json={}), client.put(mine, **TEXT)],
        f"edit{one}": [client.patch(mine, json={}), client.patch(mine, json={"version": 99})],
        f"list{one}Changes": [client.get(f"{mine}/changes"), client.get(f"{mine}/changes?limit=0")],
        f"sync{one}": [client.post(f"{mine}/sync"), client.post(f"{where}/{NOBODY}/sync")],
    }


def of_many(client, resource, made):
    _, many = names(resource)
    where, batch, key = f"/{resource.name}", f"/{resource.name}/batch", {"headers": {"Idempotency-Key": "many"}}
    patch, whole = examples.patch(resource), examples.whole(resource)
    return {
        f"list{many}": [client.get(where), client.get(f"{where}?per_page=1"), client.get(f"{where}?page=0")],
        f"search{many}": [client.get(f"{where}/search?q=a"), client.get(f"{where}/search")],
        f"create{many}": [
            client.post(batch, json={"items": [whole, {}]}, **key),
            client.post(batch, json={"items": [whole, {}]}, **key),
            client.post(batch, json={"items": [whole]}, **key),
            client.post(batch, json={"items": [whole, {}], "atomic": True}),
            client.post(batch, json={"items": []}),
            client.post(batch, **TEXT),
        ],
        f"edit{many}": [
            client.patch(where, json={"ids": [made["id"], NOBODY], "set": patch}),
            client.patch(where, json={"ids": [made["id"], NOBODY], "set": patch, "atomic": True}),
            client.patch(where, json={"ids": [], "set": {}}),
            client.patch(where, **TEXT),
        ],
    }


def of_relations(client, engine, resource, made):
    one, _ = names(resource)
    mine, nobody = f"/{resource.name}/{made['id']}", f"/{resource.name}/{NOBODY}"
    found = {}
    for child, fixed in belonging(resource).items():
        single, many = names(child)
        referred_to(engine, child)
        least = {name: value for name, value in examples.least(child).items() if name not in fixed}
        found[f"list{many}Of{one}"] = [client.get(f"{at}/{child.name}") for at in (mine, f"{mine}", nobody)]
        found[f"create{single}Of{one}"] = [
            client.post(f"{mine}/{child.name}", json=least),
            client.post(f"{mine}/{child.name}", json={**least, fixed[0]: NOBODY}),
            client.post(f"{nobody}/{child.name}", json=least),
            client.post(f"{mine}/{child.name}", **TEXT),
        ]
    for name, fields in resource.actions.items():
        found[action_id(resource, name)] = [
            client.patch(f"{mine}/{name}", json=examples.step(resource, fields)),
            client.patch(f"{mine}/{name}", json={}),
            client.patch(f"{mine}/{name}", json={**examples.step(resource, fields), "version": 99}),
            client.patch(f"{nobody}/{name}", json=examples.step(resource, fields)),
        ]
    return found


def of_the_past(client, resource, made):
    one, mine = names(resource)[0], f"/{resource.name}/{made['id']}"
    client.patch(mine, json=examples.patch(resource))
    client.patch(mine, json={examples.edited(resource).name: examples.other(examples.edited(resource), 2)})
    newest = client.get(f"{mine}/changes").json["data"][0]["id"]
    return {
        f"explain{one}": [client.get(f"{mine}/explain"), client.get(f"/{resource.name}/{NOBODY}/explain")],
        f"undo{one}Change": [
            client.post(f"{mine}/changes/{newest}/undo"),
            client.post(f"{mine}/changes/{newest}/undo"),
            client.post(f"{mine}/changes/999999/undo"),
        ],
    }


def of_calendar(client, resource, made):
    if resource.occurs is None:
        return {}
    (one, many), where = names(resource), f"/{resource.name}"
    return {
        f"export{many}": [client.get(f"{where}.ics"), client.get(f"{where}.ics?nonsense=1")],
        f"export{one}": [client.get(f"{where}/{made['id']}.ics"), client.get(f"{where}/{NOBODY}.ics")],
    }


def of_the_end(client, resource, made):
    one, mine = names(resource)[0], f"/{resource.name}/{made['id']}"
    return {
        f"delete{one}": [client.delete(mine, headers={"If-Match": '"99-x"'}), client.delete(mine), client.delete(mine)],
        f"restore{one}": [client.post(f"{mine}/restore"), client.post(f"/{resource.name}/{NOBODY}/restore")],
    }


def test_what_the_service_answers_is_documented(client, document, user, webhook):
    answers = {
        "receiveWebhook": [
            webhook(user["crm_id"], {"name": "Changed there"}),
            webhook("nobody"),
            client.post("/webhook", json={}),
            client.post("/webhook", json={}, headers={"webhook-id": "x"}),
            client.post("/webhook", **TEXT),
        ],
        "search": [client.get("/search?q=changed"), client.get("/search?q=-"), client.get("/search?resources=users")],
        "readLiveness": [client.get("/healthz")],
        "readReadiness": [client.get("/readyz")],
        "readMetrics": [client.get("/metrics")],
        "readOpenAPI": [client.get("/openapi.json")],
        "readDocs": [client.get("/docs")],
        "readPostman": [client.get("/postman.json")],
    }
    assert {tag["name"] for tag in document["tags"]} == {*SYNC, "webhook", "service", "search", *REGISTRY}
    assert_documented(document, {"webhook", "service", "search"}, answers)
