"""Answers that are lost, make no sense or come after a crash: nothing is done twice."""

import pytest

from tests.support.decisions import HERE, assert_in_step
from tests.support.users import patch_later, post, status_of


@pytest.mark.parametrize("idempotent", [True, False], ids=["keys honoured", "keys ignored"])
@pytest.mark.parametrize("mode", ["cut_after", "truncated", "bad_json", "empty", "no_crm_id", "null_crm_id"])
def test_a_write_that_was_done_but_not_answered_is_not_done_twice(client, crm, worker, mode, idempotent):
    if not idempotent:
        crm.fault("no_idempotency")
    crm.fault(mode, count=2, method="POST")

    answer = post(client)
    worker.drain()

    assert status_of(client, answer.json) == "synced"
    assert len(crm.all()) == 1


@pytest.mark.parametrize("mode", ["cut_before", "html", "error_in_200"])
def test_an_answer_that_makes_no_sense_is_never_synced(client, crm, worker, mode):
    crm.fault(mode, count=None, method="POST")

    answer = post(client)
    assert answer.json["sync_status"] == "pending"

    crm.heal()
    worker.drain()
    assert status_of(client, answer.json) == "synced"
    assert len(crm.all()) == 1


def test_an_answer_that_names_another_users_record_is_a_conflict_and_overwrites_nothing(client, crm, user, another):
    crm.fault("wrong_crm_id", crm_id=user["crm_id"], count=1, method="POST")

    answer = client.post("/users", json=another())

    assert (answer.json["sync_status"], answer.json["crm_id"]) == ("conflict", None)
    assert client.get(f"/users/{user['id']}").json == user
    assert [one["kind"] for one in client.get("/sync/conflicts?status=open").json["data"]] == ["duplicate"]


def test_an_update_whose_answer_was_lost_does_not_flip_a_newer_edit_back(client, crm, user, worker):
    crm.fault("cut_after", count=3, method="PATCH")
    client.patch(f"/users/{user['id']}", json={"phone": "222-222-2222"})
    crm.heal()
    client.patch(f"/users/{user['id']}", json={"phone": "333-333-3333"})
    worker.drain()

    assert client.get(f"/users/{user['id']}").json["phone"] == "333-333-3333"
    assert crm.get(user["crm_id"])["phone"] == "333-333-3333"
    assert client.get("/sync/conflicts").json["data"] == []


@pytest.mark.parametrize("in_between", [0, 2], ids=["in one push", "by a later push"])
def test_an_update_that_was_lost_and_then_refused_does_not_flip_a_newer_edit_back(
    client, crm, user, worker, clock, in_between
):
    crm.fault("cut_after", count=1, method="PATCH")
    if in_between:
        crm.fault("status", status=503, count=in_between, method="PATCH")
    crm.fault("status", status=422, count=1, method="PATCH")
    client.patch(f"/users/{user['id']}", json={"name": "Ann Once"})
    assert crm.get(user["crm_id"])["name"] == "Ann Once"
    if in_between:
        clock.pass_(seconds=60)
        worker.push()
    crm.heal()

    client.patch(f"/users/{user['id']}", json={"name": "Ann Now"})
    worker.drain()

    assert client.get(f"/users/{user['id']}").json["name"] == crm.get(user["crm_id"])["name"] == "Ann Now"
    assert client.get("/sync/conflicts").json["data"] == []


def test_a_change_taken_back_while_its_push_was_lost_is_taken_back_there_too(client, crm, user, worker):
    crm.fault("cut_after", count=3, method="PATCH")
    client.patch(f"/users/{user['id']}", json={"phone": "222-222-2222"})
    crm.heal()
    client.patch(f"/users/{user['id']}", json={"phone": user["phone"]}, headers={"Prefer": "respond-async"})
    worker.drain()

    assert crm.get(user["crm_id"])["phone"] == user["phone"]
    assert client.get(f"/users/{user['id']}").json["phone"] == user["phone"]


def test_a_crash_between_the_crms_answer_and_ours_makes_no_second_record(client, crm, engine, clock, worker):
    answer = post(client, Prefer="respond-async")

    def die(request):
        if request.path_url == "/crm/users":
            raise KeyboardInterrupt

    crm.line.after = die
    with pytest.raises(KeyboardInterrupt):
        worker.push()
    crm.line.after = lambda _request: None
    assert len(crm.all()) == 1

    clock.pass_(minutes=2)  # the lease of the dead worker runs out
    worker.drain()

    assert status_of(client, answer.json) == "synced"
    assert len(crm.all()) == 1


def test_nobody_else_pushes_what_is_leased(client, crm, engine, worker):
    post(client, Prefer="respond-async")
    seen = []
    crm.line.before = lambda _request: seen.append(worker.push())
    worker.push()

    assert set(seen) == {0}
    assert len(crm.all()) == 1


def test_a_wrong_id_in_an_answer_is_nothing_once_a_webhook_has_told_the_right_one(client, crm, user, another, webhook):
    crm.fault("wrong_crm_id", crm_id=user["crm_id"], count=1, method="POST")

    def told(request):
        if request.method == "POST" and request.path_url.startswith("/crm/users"):
            (made,) = [one for one in crm.all() if one["crm_id"] != user["crm_id"]]
            more = {"external_id": made["external_id"], "version": made["version"], "event": "created"}
            fields = {name: made[name] for name in ("name", "email", "phone")}
            assert webhook(made["crm_id"], fields, **more).status_code == 200

    crm.line.after = told

    bob = client.post("/users", json=another(name="Bob")).json

    assert (bob["sync_status"], bob["sync_error"]) == ("synced", None)
    assert bob["crm_id"] not in {None, user["crm_id"]}
    assert client.get("/sync/conflicts?status=open").json["data"] == []
    assert client.get(f"/users/{user['id']}").json["name"] == user["name"]
    assert client.post("/sync/verify").json["in_step"] == 2


def test_a_create_that_was_done_and_then_refused_is_not_made_again(client, crm, worker, engine, monkeypatch, another):
    """In a CRM that does not find records by our id: the key of the create is all that tells."""
    monkeypatch.setattr(engine.crm, "_find_once", lambda *_args, **_more: None)
    crm.fault("cut_after", count=1, method="POST")
    crm.fault("status", status=400, body={"error": "busy"}, count=2, method="POST")
    made = client.post("/users", json=another()).json
    assert (made["sync_status"], len(crm.all())) == ("pending", 1)
    patch_later(client, made, phone=HERE)
    worker.drain()

    assert [one["phone"] for one in crm.all()] == [HERE]
    assert_in_step(engine, crm)
