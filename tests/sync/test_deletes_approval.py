"""Deletions that wait for a person: approved, refused, or refused and created anew; and what happens meanwhile."""

import pytest

from app.core.errors import AlreadyDecided, Invalid, NotFound
from app.services import resolutions
from tests.support.decisions import (
    HERE,
    OPEN,
    THERE,
    assert_in_step,
    configure,
    decide,
    live_here,
    merge,
    only,
    owed,
)
from tests.support.fates import COUNT, approve
from tests.support.users import changes_of, conflicts, patch, patch_later, read


def status_of(client, run):
    return client.get(f"/sync/runs/{run}").json["status"]


def test_approved_all_are_deleted(client, crm, users, run, worker, engine, first):
    answer = approve(engine, run, yes=True)

    assert (answer["status"], answer["resolved"], answer["left"]) == ("approved", COUNT, [])
    assert (live_here(engine), conflicts(client, OPEN), status_of(client, run)) == ({}, [], "approved")
    assert {(one["by"], one["run_id"]) for one in changes_of(client, first) if one["field"] == "deleted"} == {
        ("resolution", run)
    }
    worker.pull()
    worker.drain()
    assert (crm.calls("DELETE"), owed(engine)) == ([], 0)


def test_refused_all_are_kept_without_a_link(client, crm, users, run, worker, engine, first):
    answer = approve(engine, run, yes=False)
    worker.pull()
    worker.drain()

    assert (answer["status"], answer["resolved"], status_of(client, run)) == ("refused", COUNT, "refused")
    assert {(one.crm_id, one.status) for one in live_here(engine).values()} == {(None, "synced")}
    assert "refused" in read(client, first)["sync_error"]
    patch(client, first, name="Later")
    worker.drain()
    assert (crm.all(), conflicts(client, OPEN), owed(engine)) == ([], [], 0)


def test_refused_they_can_be_created_anew_exactly_once(client, crm, users, run, worker, engine):
    crm.fault("cut_after", count=2, method="POST")
    approve(engine, run, yes=False, recreate=True)
    worker.drain()
    worker.pull()
    worker.drain()

    assert (len(crm.all()), len(live_here(engine)), conflicts(client, OPEN)) == (COUNT, COUNT, [])
    assert not set(users.values()) & {one["crm_id"] for one in crm.all()}
    assert_in_step(engine, crm)


@pytest.mark.parametrize("choice", [{"yes": True}, {"yes": False}, {"yes": False, "recreate": True}])
def test_late_deliveries_about_the_old_records_change_nothing(
    client, crm, users, run, worker, webhook, engine, first, choice
):
    approve(engine, run, **choice)
    worker.drain()
    before = live_here(engine)
    for more in ({"event": "deleted", "version": 2}, {"version": 1}, {"version": 5}, {}):
        webhook(first["crm_id"], {} if "event" in more else {"name": "Late"}, external_id=first["id"], **more)
        webhook(first["crm_id"], {} if "event" in more else {"name": "Later"}, **more)
    worker.drain()
    worker.pull()

    assert live_here(engine) == before
    assert conflicts(client, OPEN) == []


def test_nobody_decides_twice(run, engine):
    approve(engine, run, yes=True)

    with pytest.raises(AlreadyDecided):
        approve(engine, run, yes=False)
    assert live_here(engine) == {}


def test_only_a_run_that_waits_can_be_approved(worker, engine):
    with pytest.raises(AlreadyDecided):
        approve(engine, worker.pull()["id"], yes=True)
    with pytest.raises(NotFound):
        approve(engine, "nothing", yes=True)


def test_one_can_be_decided_before_the_others(client, crm, users, run, worker, engine, first):
    found = only([one for one in conflicts(client, OPEN) if one["record_id"] == first["id"]])
    with pytest.raises(Invalid):
        decide(engine, found, "value", "x")
    decide(engine, found, "local")

    assert read(client, first)["sync_status"] == "synced"
    assert approve(engine, run, yes=True)["resolved"] == COUNT - 1
    assert [one.id for one in live_here(engine).values()] == [first["id"]]


def test_a_merge_of_two_that_are_linked_waits_with_the_others_and_is_one_deletion(client, crm, users, worker, engine):
    *others, winner, loser = users.values()
    merge(crm, winner, loser)
    for crm_id in others:
        crm.delete(crm_id)
    run = worker.pull()

    assert (run["status"], len(conflicts(client, OPEN))) == ("needs_approval", COUNT - 1)
    assert {one["crm"].get("merged_into") for one in conflicts(client) if one["crm_id"] == loser} == {winner}
    approve(engine, run["id"], yes=True)
    worker.drain()
    assert [one.crm_id for one in live_here(engine).values()] == [winner]
    assert_in_step(engine, crm)


def test_an_open_field_conflict_ends_with_the_deletion_or_the_link(client, crm, users, worker, engine, first):
    configure(engine, "manual")
    patch_later(client, first, phone=HERE)
    crm.edit(first["crm_id"], phone=THERE)
    worker.drain()
    for crm_id in users.values():
        crm.delete(crm_id)
    run = worker.pull()["id"]
    approve(engine, run, yes=False, recreate=True)
    worker.drain()

    assert conflicts(client, OPEN) == []
    assert read(client, first)["phone"] == HERE
    assert_in_step(engine, crm)


def test_of_two_answers_at_once_one_wins(run, engine, client, monkeypatch):
    heard = []
    real = resolutions.resolve_many

    def in_the_middle(*args):
        if not heard:
            heard.append(None)
            with pytest.raises(AlreadyDecided) as caught:
                approve(engine, run, yes=False)
            heard.append(caught.value.detail)
        return real(*args)

    monkeypatch.setattr(resolutions, "resolve_many", in_the_middle)
    answer = approve(engine, run, yes=True)

    assert (answer["resolved"], status_of(client, run), live_here(engine)) == (COUNT, "approved", {})
    assert heard[1] == "The run is approved: it waits for nobody."


def test_an_answer_that_was_cut_off_can_be_given_again_and_no_other(run, engine, client, monkeypatch):
    class Killed(BaseException):
        pass

    calls, real = [], resolutions._resolve

    def die(*args):
        calls.append(1)
        if len(calls) == 3:
            raise Killed
        real(*args)

    with monkeypatch.context() as patched:
        patched.setattr(resolutions, "_resolve", die)
        with pytest.raises(Killed):
            approve(engine, run, yes=True)
    with pytest.raises(AlreadyDecided):
        approve(engine, run, yes=False)

    assert approve(engine, run, yes=True)["resolved"] == COUNT - 2
    assert (status_of(client, run), live_here(engine), conflicts(client, OPEN)) == ("approved", {}, [])
