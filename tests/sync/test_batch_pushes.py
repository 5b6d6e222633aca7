"""Pushes in batches: what cannot be settled in the one call goes on alone, and nothing else waits for it."""

import pytest

from app.services import records
from tests.support.crowd import crowd
from tests.support.decisions import HERE, OPEN, THERE, assert_in_step, configure, live_here, merge, only, owed, stored
from tests.support.users import LATER, conflicts, patch_later, read

BATCH = "/crm/users/batch"


@pytest.fixture
def users(engine, crm):
    """Ten users in step, by id."""
    return crowd(engine, crm, 10)


@pytest.fixture
def edited(client, users):
    """The same, each edited here and not pushed yet."""
    for identity in users:
        patch_later(client, {"id": identity}, phone=HERE)
    return [{"id": identity, "crm_id": crm_id} for identity, crm_id in users.items()]


def writes(crm):
    return [(one.method, one.path_url) for one in crm.calls() if one.method != "GET"]


def statuses(client, users):
    return [read(client, one).get("sync_status", "gone") for one in users]


def test_many_edits_are_one_call(client, crm, edited, worker, engine):
    worker.push()

    assert writes(crm) == [("POST", BATCH)]
    assert_in_step(engine, crm)


def test_many_new_ones_are_one_call(client, crm, worker, engine, another):
    for _ in range(10):
        client.post("/users", json=another(), headers=LATER)
    worker.push()

    assert writes(crm) == [("POST", BATCH)]
    assert_in_step(engine, crm)
    assert len(crm.all()) == 10


def test_a_bad_one_does_not_hold_up_the_others(client, crm, edited, worker, engine, monkeypatch):
    _refuse(crm, monkeypatch, edited[3]["crm_id"], 400, {"error": "validation_failed", "message": "No such phone."})
    worker.push()

    assert writes(crm) == [("POST", BATCH)]
    assert statuses(client, edited) == ["synced"] * 3 + ["failed"] + ["synced"] * 6
    assert "No such phone." in read(client, edited[3])["sync_error"]
    assert [crm.get(one["crm_id"])["phone"] == HERE for one in edited] == [True] * 3 + [False] + [True] * 6


@pytest.mark.parametrize("configured", ["crm_wins", "local_wins", "manual"])
def test_a_stale_one_is_merged_and_goes_on_alone(client, crm, edited, worker, engine, configured):
    configure(engine, configured)
    crm.edit(edited[3]["crm_id"], name="There", phone=THERE)
    worker.push()

    alone = [("PATCH", f"/crm/users/{edited[3]['crm_id']}")] if configured == "local_wins" else []
    assert writes(crm) == [("POST", BATCH), *alone]
    assert only(conflicts(client))["record_id"] == edited[3]["id"]
    assert read(client, edited[3])["name"] == "There"
    if configured == "manual":
        assert statuses(client, edited) == ["synced"] * 3 + ["conflict"] + ["synced"] * 6
    else:
        assert_in_step(engine, crm)


def test_one_that_is_deleted_there_is_a_tombstone(client, crm, edited, worker, engine):
    crm.delete(edited[3]["crm_id"])
    worker.push()

    assert writes(crm) == [("POST", BATCH)]
    assert statuses(client, edited) == ["synced"] * 3 + ["gone"] + ["synced"] * 6
    assert [(one["kind"], one["local"]) for one in conflicts(client)] == [("deleted", HERE)]
    assert_in_step(engine, crm)


def test_one_that_was_merged_there_is_pushed_to_the_other(client, crm, edited, worker, engine):
    winner = crm.create(name="User 3", email="winner@example.com")["crm_id"]
    merge(crm, winner, edited[3]["crm_id"])
    worker.drain()

    assert (read(client, edited[3])["crm_id"], crm.get(winner)["phone"]) == (winner, HERE)
    assert_in_step(engine, crm)


def test_all_of_it_at_once(client, crm, edited, worker, engine, monkeypatch, another):
    """New ones, a bad one, a stale one, one deleted there and one deleted here."""
    new = [client.post("/users", json=another(), headers=LATER).json for _ in range(3)]
    _refuse(crm, monkeypatch, edited[0]["crm_id"], 422, {"error": "no"})
    crm.edit(edited[1]["crm_id"], name="There")
    crm.delete(edited[2]["crm_id"])
    client.delete(f"/users/{edited[3]['id']}", headers=LATER)
    worker.push()

    assert statuses(client, edited) == ["failed", "synced", "gone", "gone"] + ["synced"] * 6
    assert statuses(client, new) == ["synced"] * 3
    assert [path for _, path in writes(crm)].count(BATCH) == 1
    assert (len(crm.all()), owed(engine)) == (11, 0)


def test_one_with_an_edit_made_meanwhile_is_pushed_again(client, crm, edited, worker, engine):
    once = iter([True])

    def edit(request):
        if request.path_url == BATCH and next(once, False):
            patch_later(client, edited[3], phone="333-333-3333")

    crm.line.before = edit
    worker.push()

    assert crm.get(edited[3]["crm_id"])["phone"] == "333-333-3333"
    assert_in_step(engine, crm)


def test_one_restored_and_one_deleted_meanwhile(client, crm, edited, worker, engine):
    once = iter([True])

    def act(request):
        if request.path_url == BATCH and next(once, False):
            client.delete(f"/users/{edited[3]['id']}", headers=LATER)
            client.delete(f"/users/{edited[4]['id']}", headers=LATER)
            records.restore(engine, engine.registry["users"], edited[4]["id"])

    crm.line.before = act
    worker.push()
    worker.drain()

    assert statuses(client, [edited[3], edited[4]]) == ["gone", "synced"]
    assert stored(engine, edited[3]["id"]).status == "synced"
    assert_in_step(engine, crm)


@pytest.mark.parametrize("mode", ["cut_after", "cut_before", "truncated", "bad_json"])
def test_a_batch_without_an_answer_is_done_once(client, crm, edited, worker, engine, another, mode):
    for _ in range(5):
        client.post("/users", json=another(), headers=LATER)
    crm.fault(mode, count=3, path=BATCH)
    worker.push()
    crm.heal()
    worker.drain()

    assert (len(crm.all()), conflicts(client)) == (15, [])
    assert_in_step(engine, crm)


@pytest.mark.parametrize("status", [404, 405, 501, 400, 403, 413])
def test_a_crm_without_batches_gets_them_one_by_one(client, crm, edited, worker, engine, another, status):
    client.post("/users", json=another(), headers=LATER)
    crm.fault("status", status=status, body={"error": "no"}, count=None, path=BATCH)
    worker.push()

    assert_in_step(engine, crm)
    assert [path for _, path in writes(crm)].count(BATCH) == 1
    assert len(live_here(engine)) == 11


def test_it_is_not_asked_for_batches_again_soon(client, crm, edited, worker, engine, clock):
    crm.fault("status", status=404, body={"error": "no"}, count=None, path=BATCH)
    worker.push()
    crm.heal()
    for wait, path in ((60, "PATCH"), (600, BATCH)):
        clock.pass_(seconds=wait)
        before = len(crm.calls())
        for one in edited:
            patch_later(client, one, name=f"After {wait}")
        worker.push()
        new = [(one.method, one.path_url) for one in crm.calls()[before:] if one.method != "GET"]
        assert {method if path == "PATCH" else url for method, url in new} == {path}
    assert_in_step(engine, crm)


def test_an_outage_leaves_all_pending_and_heals(client, crm, edited, worker, engine):
    crm.fault("status", status=503, count=None, path=BATCH)
    worker.push()
    assert set(statuses(client, edited)) == {"pending"}
    crm.heal()
    worker.drain()

    assert_in_step(engine, crm)


def test_an_item_that_says_try_later_is_tried_later(client, crm, edited, worker, engine, monkeypatch):
    heal = _refuse(crm, monkeypatch, edited[3]["crm_id"], 503, {"error": "busy"})
    worker.push()
    assert statuses(client, edited) == ["synced"] * 3 + ["pending"] + ["synced"] * 6
    heal()
    worker.drain()

    assert_in_step(engine, crm)


def test_two_that_the_crm_takes_for_one_are_looked_up(client, crm, worker, engine, another):
    """The CRM answers two creates with one id: one of them is wrong."""
    made = [client.post("/users", json=another(), headers=LATER).json for _ in range(2)]
    crm.fault("wrong_crm_id", crm_id="CRM1001", count=1, path=BATCH)
    worker.push()
    worker.drain()

    assert statuses(client, made) == ["synced"] * 2
    assert (len(crm.all()), conflicts(client, OPEN)) == (2, [])
    assert_in_step(engine, crm)


def test_an_item_answered_with_the_record_of_another_is_a_conflict(client, crm, users, worker, engine, another):
    made = [client.post("/users", json=another(), headers=LATER).json for _ in range(2)]
    linked = next(iter(users.values()))
    go_on = engine.crm.batch

    def misname(*args, **more):
        answers = go_on(*args, **more)
        object.__setattr__(answers[0], "crm_id", linked)
        return answers

    engine.crm.batch = misname
    worker.push()
    del engine.crm.batch

    assert statuses(client, made) == ["conflict", "synced"]
    assert read(client, {"id": next(iter(users))})["crm_id"] == linked
    assert only(conflicts(client, OPEN))["record_id"] == made[0]["id"]


def _refuse(crm, monkeypatch, crm_id, status, body):
    """Let the CRM refuse one record of a batch; return what ends that."""
    from mock_crm.errors import ApiError
    from mock_crm.writing import Writing

    upsert, is_on = Writing._upsert, [True]

    def refuse(self, resource, item):
        if is_on and item.get("crm_id") == crm_id:
            raise ApiError(status, body["error"], body.get("message", "No."))
        return upsert(self, resource, item)

    monkeypatch.setattr(Writing, "_upsert", refuse)
    return is_on.clear
