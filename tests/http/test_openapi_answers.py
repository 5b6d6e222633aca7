"""What the service takes and answers is what the OpenAPI document says, no more and no less."""

from app.http.openapi_parts import names
from tests.support.answers import assert_documented
from tests.support.openapi import operations, resources

SYNC = {"sync", "runs", "conflicts"}
"""Tags of what has its own test, in test_openapi_answers_sync.py."""
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
    change = f"{one}/changes/{client.get(f'{one}/changes').json['data'][0]['id']}"
    answers = {
        "createUser": [
            client.post("/users", json={**user_fields(2)}),
            client.post("/users", json={}),
            client.post("/users", json=user_fields(2)),
            client.post("/users", data="x"),
            client.post("/users", data="x" * 2**21, **json_text),
        ],
        "listUsers": [client.get("/users"), client.get("/users?per_page=1"), client.get("/users?page=0")],
        "searchUsers": [
            client.get("/users/search?q=a"),
            client.get("/users/search?q=nobody"),
            client.get("/users/search"),
        ],
        "search": [client.get("/search?q=a&resources=users"), client.get("/search?q=-")],
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
        "createUsers": [
            client.post("/users/batch", json={"items": [user_fields(4), {}]}, headers={"Idempotency-Key": "k"}),
            client.post("/users/batch", json={"items": [user_fields(4), {}]}, headers={"Idempotency-Key": "k"}),
            client.post("/users/batch", json={"items": [user_fields(5)]}, headers={"Idempotency-Key": "k"}),
            client.post("/users/batch", json={"items": [user_fields(4)], "atomic": True}),
            client.post("/users/batch", json={"items": []}),
            client.post("/users/batch", data="x"),
        ],
        "explainUser": [client.get(f"{one}/explain"), client.get(f"/users/{NOBODY}/explain")],
        "undoUserChange": [
            client.post(f"{change}/undo"),
            client.post(f"{one}/changes/999/undo"),
            client.post(f"{one}/changes/{client.get(f'{one}/changes').json['data'][0]['id']}/undo"),
        ],
        "restoreUser": [
            client.post(f"{one}/restore"),
            client.post(f"/users/{NOBODY}/restore"),
        ],
        "deleteUser": [client.delete(one, headers={"If-Match": '"99-x"'}), client.delete(one), client.delete(one)],
        "readLiveness": [client.get("/healthz")],
        "readReadiness": [client.get("/readyz")],
        "readMetrics": [client.get("/metrics")],
        "readOpenAPI": [client.get("/openapi.json")],
        "readDocs": [client.get("/docs")],
        "readPostman": [client.get("/postman.json")],
    }
    tags = {tag["name"] for tag in document["tags"]}
    assert tags >= SYNC
    assert_documented(document, tags - SYNC, answers)


def user_fields(number):
    return {"name": f"User {number}", "email": f"user{number}@example.com", "phone": None}
