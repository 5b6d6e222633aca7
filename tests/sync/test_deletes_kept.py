"""SYNC_DELETED=0: what the CRM deletes stays here, without a link, until a person asks for a new one."""

import pytest

from tests.support.decisions import (
    HERE,
    OPEN,
    THERE,
    assert_in_step,
    copy_of,
    live_here,
    merge,
    only,
    open_conflict,
    owed,
    stored,
)
from tests.support.settings import ANN
from tests.support.users import changes_of, conflicts, fields_of, patch, patch_later, read


@pytest.fixture
def settings():
    return {"SYNC_DELETED": False}


@pytest.fixture(params=["pull", "webhook", "push"])
def kept(request, client, crm, user, worker, webhook):
    """A user whose counterpart was deleted, as we heard in one of three ways."""
    crm.delete(user["crm_id"])
    if request.param == "pull":
        worker.pull()
    elif request.param == "webhook":
        webhook(user["crm_id"], event="deleted", version=2)
    else:
        patch(client, user, phone=HERE)
    return user


def writes(crm):
    return [(one.method, one.path_url) for one in crm.calls() if one.method != "GET"]


def test_the_record_stays_without_a_link_and_says_why(client, kept, engine):
    found = read(client, kept)

    assert (found["crm_id"], found["sync_status"]) == (None, "synced")
    assert "SYNC_DELETED" in found["sync_error"]
    assert (found["name"], owed(engine)) == (ANN["name"], 0)


def test_later_edits_are_not_pushed(client, crm, kept, worker, engine):
    before = writes(crm)
    answer = patch(client, kept, name="Ann Later")
    patch_later(client, kept, phone="444-444-4444")
    worker.drain()

    assert (writes(crm), crm.all(), owed(engine)) == (before, [], 0)
    assert (answer.json["sync_status"], "SYNC_DELETED" in answer.json["sync_error"]) == ("synced", True)


@pytest.mark.parametrize(
    "late", [{"version": 1}, {"version": 9}, {}, {"event": "deleted", "version": 2}, {"event": "created", "version": 1}]
)
@pytest.mark.parametrize("named", [True, False])
def test_nothing_comes_back_by_late_webhooks_or_pulls(client, crm, kept, worker, webhook, engine, late, named):
    before = read(client, kept)
    fields = {} if late.get("event") == "deleted" else {"name": "Ann Late"}
    webhook(kept["crm_id"], fields, **late, **({"external_id": kept["id"]} if named else {}))
    worker.drain()
    worker.pull()
    worker.drain()

    assert read(client, kept) == before
    assert (crm.all(), conflicts(client, OPEN), len(live_here(engine))) == ([], [], 1)


def test_a_person_links_it_anew(client, crm, kept, worker, engine):
    patch(client, kept, name="Ann Later")
    answer = client.post(f"/users/{kept['id']}/sync")

    assert (answer.status_code, answer.json["sync_status"], answer.json["sync_error"]) == (200, "synced", None)
    assert answer.json["crm_id"] not in {None, kept["crm_id"]}
    assert only(crm.all())["name"] == "Ann Later"
    assert client.post(f"/users/{kept['id']}/sync").json["crm_id"] == answer.json["crm_id"]
    assert_in_step(engine, crm)


def test_the_old_link_is_past_then(client, crm, kept, worker, webhook, engine):
    client.post(f"/users/{kept['id']}/sync")
    before = read(client, kept)
    for late in ({"event": "deleted", "version": 2}, {"version": 7}):
        webhook(kept["crm_id"], {} if "event" in late else {"name": "Late"}, external_id=kept["id"], **late)
    worker.drain()
    worker.pull()

    assert (read(client, kept), conflicts(client, OPEN)) == (before, [])
    assert copy_of(engine, kept["id"]).former == [kept["crm_id"]]
    assert_in_step(engine, crm)


def test_an_outage_while_it_is_linked_anew_makes_no_second_one(client, crm, kept, worker, engine):
    crm.fault("cut_after", count=3, method="POST")
    client.post(f"/users/{kept['id']}/sync")
    client.post(f"/users/{kept['id']}/sync")
    worker.drain()

    assert len(crm.all()) == 1
    assert_in_step(engine, crm)


def test_deleting_it_here_makes_no_call(client, crm, kept, worker, engine):
    before = writes(crm)
    client.delete(f"/users/{kept['id']}")
    worker.drain()

    assert (writes(crm), owed(engine), stored(engine, kept["id"]).status) == (before, 0, "synced")


def test_another_record_there_with_its_email_is_linked_and_the_old_one_is_past(
    client, crm, kept, worker, webhook, engine
):
    new = crm.create(name="Ann Again", email=ANN["email"])["crm_id"]
    worker.pull()
    webhook(kept["crm_id"], {"name": "Late"}, version=9, external_id=kept["id"])
    worker.drain()

    assert read(client, kept)["crm_id"] == new
    assert (conflicts(client, OPEN), len(live_here(engine))) == ([], 1)


def test_what_waited_for_a_person_waits_no_longer(client, crm, user, worker, engine):
    object.__setattr__(engine.policies, "default", "manual")
    patch_later(client, user, phone=HERE)
    crm.edit(user["crm_id"], phone=THERE)
    worker.drain()
    assert open_conflict(client)
    crm.delete(user["crm_id"])
    worker.pull()

    assert (conflicts(client, OPEN), fields_of(read(client, user))) == ([], ANN | {"phone": HERE})


def test_a_field_that_waited_is_synced_again_after_a_new_link(client, crm, user, worker, engine):
    object.__setattr__(engine.policies, "default", "manual")
    patch_later(client, user, phone=HERE)
    crm.edit(user["crm_id"], phone=THERE)
    worker.drain()
    crm.delete(user["crm_id"])
    worker.pull()
    client.post(f"/users/{user['id']}/sync")

    assert only(crm.all())["phone"] == HERE
    assert_in_step(engine, crm)


def test_a_merge_moves_the_link_all_the_same(client, crm, user, worker, engine):
    winner = crm.create(name="Ann the Winner", email="winner@example.com")["crm_id"]
    merge(crm, winner, user["crm_id"])
    worker.pull()
    worker.drain()

    assert read(client, user)["crm_id"] == winner
    assert_in_step(engine, crm)


def test_a_thousand_are_kept_without_asking_a_person(client, crm, worker, another, engine):
    users = [client.post("/users", json=another()).json for _ in range(12)]
    for user in users:
        crm.delete(user["crm_id"])

    run = worker.pull()

    assert (run["status"], run["deleted"], len(live_here(engine))) == ("succeeded", 12, 12)


def test_a_delete_here_is_pushed_as_ever(client, crm, user, worker, engine):
    client.delete(f"/users/{user['id']}")

    assert crm.get(user["crm_id"]) is None


def test_the_journal_does_not_speak_of_a_deletion(client, kept):
    assert "deleted" not in {one["field"] for one in changes_of(client, kept)}
