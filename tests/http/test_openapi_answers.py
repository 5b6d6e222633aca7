"""What the service takes and answers is what the OpenAPI document says, no more and no less."""

from app.http.openapi_records import names
from tests.support.openapi import complaints, operations, resolved, resources

NOBODY = "00000000-0000-4000-8000-000000000000"


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


def test_what_the_service_answers_is_documented(client, document, user, webhook):
    one = f"/users/{user['id']}"
    json_text = {"content_type": "application/json"}
    run = client.post("/sync").json["id"]
    known = operations(document)
    answers = {
        "createUser": [
            client.post("/users", json={**user_fields(2)}),
            client.post("/users", json={}),
            client.post("/users", json=user_fields(2)),
            client.post("/users", data="x"),
            client.post("/users", data="x" * 2**21, **json_text),
        ],
        "listUsers": [client.get("/users"), client.get("/users?per_page=1"), client.get("/users?page=0")],
        "readUser": [client.get(one), client.get(one, headers={"If-None-Match": "*"}), client.get(f"/users/{NOBODY}")],
        "replaceUser": [client.put(one, json=user_fields(3)), client.put(one, json={}), client.put(one, data="x")],
        "editUser": [client.patch(one, json={}), client.patch(one, json={"version": 99})],
        "listUserChanges": [client.get(f"{one}/changes"), client.get(f"{one}/changes?limit=0")],
        "syncUser": [client.post(f"{one}/sync"), client.post(f"/users/{NOBODY}/sync")],
        "receiveWebhook": [
            webhook(user["crm_id"], {"name": "Changed there"}),
            webhook("nobody"),
            client.post("/webhook", json={}),
            client.post("/webhook", json={}, headers={"webhook-id": "x"}),
            client.post("/webhook", data="x"),
        ],
        "runSync": [
            client.post("/sync"),
            client.post("/sync", json={"direction": "bidirectional"}),
            client.post("/sync", json={"direction": "up"}),
        ],
        "readSyncStatus": [client.get("/sync/status")],
        "listRuns": [client.get("/sync/runs"), client.get("/sync/runs?page=0")],
        "readRun": [client.get(f"/sync/runs/{run}"), client.get("/sync/runs/none")],
        "listConflicts": [client.get("/sync/conflicts"), client.get("/sync/conflicts?status=x")],
        "deleteUser": [client.delete(one, headers={"If-Match": '"99-x"'}), client.delete(one), client.delete(one)],
        "readLiveness": [client.get("/healthz")],
        "readReadiness": [client.get("/readyz")],
        "readMetrics": [client.get("/metrics")],
        "readOpenAPI": [client.get("/openapi.json")],
        "readDocs": [client.get("/docs")],
        "readPostman": [client.get("/postman.json")],
    }
    assert answers.keys() == known.keys()
    for name, found in answers.items():
        for answer in found:
            assert undocumented(document, known[name][2], answer) == [], (name, answer.status, answer.text[:500])


def user_fields(number):
    return {"name": f"User {number}", "email": f"user{number}@example.com", "phone": None}


def undocumented(document, operation, answer):
    """Return what an answer has that its operation does not say."""
    status = str(answer.status_code)
    if status not in operation["responses"]:
        return [f"status {status}"]
    said = resolved(document, operation["responses"][status])
    if "content" not in said:
        return ["a body"] if answer.data else []
    if answer.mimetype not in said["content"]:
        return [f"type {answer.mimetype}"]
    told = {"ETag", "Location", "Link", "Retry-After", "Idempotency-Replayed", "Preference-Applied", "WWW-Authenticate"}
    headers = [f"header {name}" for name in told & {name for name, _ in answer.headers} - said["headers"].keys()]
    schema = said["content"][answer.mimetype]["schema"]
    found = complaints(document, schema, answer.json) if answer.is_json else []
    return [*headers, *found, *unknown_members(resolved(document, schema), answer)]


def unknown_members(schema, answer):
    if not answer.is_json or "properties" not in schema:
        return []
    return [f"member {name}" for name in answer.json.keys() - schema["properties"].keys()]
