"""What the operations of the sync take and answer is what the OpenAPI document says."""

import pytest

from tests.http.test_openapi_answers import SYNC
from tests.support.answers import assert_documented
from tests.support.openapi import complaints, examples, operations, resolved
from tests.support.operations import NOBODY, delete_many, disagree
from tests.support.runs import new_there, new_users
from tests.support.users import patch_later

TEXT = {"data": "x"}


@pytest.fixture
def full(client, crm, user, another):
    """Something of everything: a conflict, a run that needs a person, things owed and things to pull."""
    conflict = disagree(client, crm, user)
    stopped = delete_many(client, crm)
    edited = client.post("/users", json=another()).json
    crm.edit(edited["crm_id"], name="Changed there")
    done = client.post("/sync", json={"direction": "pull"}).json
    patch_later(client, edited, name="Changed here")
    new_users(client, 1)
    new_there(crm, 1)
    return {"conflict": conflict["id"], "stopped": stopped["id"], "done": done["id"]}


def of_the_sync(client):
    return {
        "readSyncStatus": [client.get("/sync/status")],
        "pauseSync": [client.post("/sync/pause")],
        "resumeSync": [client.post("/sync/resume")],
        "planSync": [client.get("/sync/plan"), client.get("/sync/plan?limit=0")],
        "verifySync": [
            client.post("/sync/verify"),
            client.post("/sync/verify", json={"repair": True}),
            client.post("/sync/verify", json={"repair": 1}),
            client.post("/sync/verify", **TEXT),
        ],
        "runSync": [
            client.post("/sync"),
            client.post("/sync", json={"direction": "bidirectional", "batch_size": 3, "policy": "manual"}),
            client.post("/sync", json={"direction": "up"}),
            client.post("/sync", **TEXT),
        ],
    }


def of_runs(client, full):
    stopped, done = f"/sync/runs/{full['stopped']}", f"/sync/runs/{full['done']}"
    return {
        "rollBackRun": [
            client.post(f"{done}/rollback", json={"dry_run": True}),
            client.post(f"{done}/rollback"),
            client.post(f"{done}/rollback", json={"dry_run": 1}),
            client.post(f"/sync/runs/{NOBODY}/rollback"),
            client.post(f"{done}/rollback", **TEXT),
        ],
        "approveRun": [
            client.post(f"{stopped}/approve"),
            client.post(f"{stopped}/approve"),
            client.post(f"{stopped}/approve", json={"x": 1}),
            client.post("/sync/runs/none/approve"),
        ],
        "refuseRun": [client.post(f"{stopped}/refuse"), client.post(f"{stopped}/refuse", json=[])],
        "listRuns": [client.get("/sync/runs"), client.get("/sync/runs?page=0")],
        "readRun": [client.get(stopped), client.get(done), client.get("/sync/runs/none")],
    }


def of_conflicts(client, full):
    one = f"/sync/conflicts/{full['conflict']}"
    return {
        "listConflicts": [client.get("/sync/conflicts"), client.get("/sync/conflicts?status=x")],
        "readConflict": [client.get(one), client.get("/sync/conflicts/none")],
        "resolveConflict": [
            client.post(f"{one}/resolve", json={"use": "value", "value": "no phone"}),
            client.post(f"{one}/resolve", json={"use": "local"}),
            client.post(f"{one}/resolve", json={"use": "local"}),
            client.post(f"/sync/conflicts/{NOBODY}/resolve", json={"use": "local"}),
            client.post(f"{one}/resolve", **TEXT),
        ],
        "resolveConflicts": [
            client.post("/sync/conflicts/resolve", json={"use": "crm", "resource": "users"}),
            client.post("/sync/conflicts/resolve", json={"use": "crm"}),
            client.post("/sync/conflicts/resolve", **TEXT),
        ],
        "listRules": [client.get("/sync/rules")],
        "setRule": [
            client.put("/sync/rules/users.phone", json={"policy": "manual"}),
            client.put("/sync/rules/users.phone", json={}),
            client.put("/sync/rules/users.colour", json={"policy": "manual"}),
            client.put("/sync/rules/users.phone", **TEXT),
        ],
        "dropRule": [client.delete("/sync/rules/users.phone"), client.delete("/sync/rules/users.phone")],
    }


def test_what_the_sync_answers_is_documented(client, document, full):
    conflicts = of_conflicts(client, full)
    answers = {**of_the_sync(client), **of_runs(client, full), **conflicts}

    assert_documented(document, SYNC, answers)


def test_what_a_body_may_hold_is_documented(client, document):
    for name, (method, path, operation) in operations(document).items():
        if not set(operation["tags"]) & SYNC or "requestBody" not in operation:
            continue
        schema = resolved(document, operation["requestBody"]["content"]["application/json"]["schema"])
        where = path.format(run_id=NOBODY, conflict_id=NOBODY, scope="users.phone")
        answer = client.open(where, method=method.upper(), json={"nonsense": 1})
        assert (schema["additionalProperties"], answer.status_code) == (False, 400), name
        assert set(answer.json["errors"]) >= {"nonsense", *schema.get("required", [])}, name


def test_every_example_of_a_body_is_taken(client, document, full):
    for name, (method, path, operation) in operations(document).items():
        if set(operation["tags"]) & SYNC and "requestBody" in operation:
            [media] = operation["requestBody"]["content"].values()
            where = path.format(run_id=NOBODY, conflict_id=NOBODY, scope="users.phone")
            for example in examples(media):
                assert complaints(document, media["schema"], example) == [], name
                answer = client.open(where, method=method.upper(), json=example)
                assert answer.status_code in {200, 404}, (name, answer.text)
