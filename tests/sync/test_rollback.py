"""A rollback takes every record that a run changed back to what it was, here and in the CRM, and it stays so."""

import pytest

from app.core.errors import AlreadyDecided, NotFound
from app.services.resolutions import approve
from app.services.rollbacks import roll_back
from app.sync import runs as engine_runs
from app.sync.runs import Asked
from tests.support.decisions import assert_in_step, configure
from tests.support.drift import edit_silently, look
from tests.support.plans import came_true, foretold
from tests.support.runs import do, new_there, new_users, tables
from tests.support.settings import ANN
from tests.support.users import LATER, fields_of, patch_later, read

HERE, THERE = "222-222-2222", "987-654-3210"


@pytest.fixture
def take_back(engine, worker):
    """Roll a run back as the dry run foretold, and see that it stays so when everybody has had their turn."""

    def take_back(run):
        foreseen = roll_back(engine, run["id"], "test", dry_run=True)
        done = roll_back(engine, run["id"], "test", dry_run=False)
        assert foretold(foreseen) == came_true(engine, done)
        assert [one["record_id"] for one in foreseen["left"]] == [one["record_id"] for one in left_of(done)]
        assert (done["status"], done["rolls_back"], done["direction"]) == ("succeeded", run["id"], "rollback")
        before = everything(engine)
        worker.drain()
        do(engine, "both")
        worker.drain()
        assert everything(engine) == before
        return done

    return take_back


def left_of(run):
    return run["parts"]["users"]["left"]


def everything(engine):
    """Return what both sides hold, but for versions and times."""
    found = look(engine)
    there = engine.crm.list_changed("/crm/users", None, 1000).items
    return sorted((one.crm_id, one.deleted, sorted(map(str, one.fields.items()))) for one in there), found["in_step"]


# ── a pull ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_update_that_was_pulled_goes_back_on_both_sides(client, crm, engine, user, take_back):
    crm.edit(user["crm_id"], phone=THERE, name="Ann There")
    run = do(engine, "pull")

    done = take_back(run)

    assert fields_of(read(client, user)) == fields_of(crm.get(user["crm_id"])) == ANN
    assert (done["pulled"], done["pushed"], done["updated"], done["skipped"]) == (1, 1, 2, 0)
    assert_in_step(engine, crm)


def test_a_record_that_was_pulled_goes_away_here_and_stays_there(client, crm, engine, user, take_back):
    [there] = new_there(crm, 1)
    run = do(engine, "pull")

    done = take_back(run)

    assert (done["deleted"], client.get("/users").json["pagination"]["total"]) == (1, 1)
    assert crm.get(there["crm_id"]) is not None
    assert [(one["reason"], one["crm_id"]) for one in look(engine)["differences"]] == [("unlinked", there["crm_id"])]


def test_an_email_of_a_record_that_went_away_here_is_free_again(client, crm, engine, take_back):
    [there] = new_there(crm, 1)
    take_back(do(engine, "pull"))

    assert client.post("/users", json={"name": "Anew", "email": there["email"]}, headers=LATER).status_code == 201


def test_a_deletion_that_was_pulled_is_taken_back_and_the_record_created_anew_there(
    client, crm, engine, user, take_back
):
    crm.delete(user["crm_id"])
    run = do(engine, "pull")

    done = take_back(run)

    assert fields_of(read(client, user)) == ANN
    assert read(client, user)["crm_id"] != user["crm_id"]
    assert (done["pulled"], done["pushed"], done["created"]) == (1, 1, 2)
    assert_in_step(engine, crm)


# ── a push ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_update_that_was_pushed_goes_back_on_both_sides(client, crm, engine, user, take_back):
    patch_later(client, user, phone=HERE)
    run = do(engine, "push")
    assert crm.get(user["crm_id"])["phone"] == HERE

    take_back(run)

    assert fields_of(read(client, user)) == fields_of(crm.get(user["crm_id"])) == ANN
    assert_in_step(engine, crm)


def test_a_record_that_was_created_there_goes_away_there_and_stays_here(client, crm, engine, take_back):
    [user] = new_users(client, 1)
    run = do(engine, "push")

    done = take_back(run)

    assert crm.all() == []
    assert (done["pulled"], done["pushed"], done["deleted"]) == (0, 1, 1)
    here = read(client, user)
    assert (here["crm_id"], here["sync_status"], fields_of(here)) == (None, "synced", fields_of(user))
    assert "rolled back" in here["sync_error"]
    assert left_of(done) == []
    assert [one["reason"] for one in look(engine)["differences"]] == ["unlinked"]


def test_a_record_that_lives_here_only_since_a_rollback_can_be_sent_again(client, crm, engine, take_back):
    [user] = new_users(client, 1)
    take_back(do(engine, "push"))

    assert client.post(f"/users/{user['id']}/sync").json["sync_status"] == "synced"
    assert_in_step(engine, crm)


def test_a_deletion_that_was_pushed_is_taken_back_on_both_sides(client, crm, engine, user, take_back):
    client.delete(f"/users/{user['id']}", headers=LATER)
    run = do(engine, "push")
    assert crm.all() == []

    take_back(run)

    assert fields_of(read(client, user)) == ANN
    assert_in_step(engine, crm)


# ── both ways, and others ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("policy", ["crm_wins", "local_wins"])
def test_a_run_both_ways_goes_back_and_both_sides_agree(client, crm, engine, user, another, take_back, policy):
    configure(engine, policy)
    moved, gone = (client.post("/users", json=another()).json for _ in range(2))
    patch_later(client, moved, phone=HERE, name="Here")
    crm.edit(moved["crm_id"], phone=THERE, email="there@example.com")
    crm.edit(user["crm_id"], name="Ann There")
    client.delete(f"/users/{gone['id']}", headers=LATER)
    run = do(engine, "both")

    take_back(run)

    assert read(client, user)["name"] == ANN["name"]
    assert fields_of(read(client, gone)) == fields_of(gone)
    assert read(client, moved)["email"] == moved["email"]
    assert_in_step(engine, crm)


def test_a_repair_can_be_rolled_back(client, crm, engine, user, take_back):
    edit_silently(crm, user["crm_id"], phone=THERE)
    repaired = look(engine, repair=True)["repaired"]
    assert read(client, user)["phone"] == THERE

    take_back(repaired)

    assert read(client, user)["phone"] == crm.get(user["crm_id"])["phone"] == ANN["phone"]


def test_deletions_that_a_person_approved_are_part_of_their_run(client, crm, engine, another, take_back):
    users = [client.post("/users", json=another()).json for _ in range(11)]
    for one in users:
        crm.delete(one["crm_id"])
    run = do(engine, "pull")
    approve(engine, run["id"], "test", yes=True)
    assert client.get("/users").json["pagination"]["total"] == 0

    take_back(run)

    assert client.get("/users").json["pagination"]["total"] == 11
    assert_in_step(engine, crm)


def test_a_run_that_failed_half_way_can_be_rolled_back(client, crm, engine, user, monkeypatch, take_back):
    monkeypatch.setattr("app.sync.feed.PAGE", 5)
    crm.edit(user["crm_id"], phone=THERE)
    do(engine, "pull")
    crm.edit(user["crm_id"], phone="111-111-1111")
    new_there(crm, 12)
    crm.fault("status", status=500, after=1, count=3, method="GET")
    run = do(engine, "pull")
    crm.heal()
    do(engine, "pull")
    assert run["status"] == "failed"

    take_back(run)

    assert read(client, user)["phone"] == THERE


def test_a_run_that_changed_nothing_is_taken_back_at_once(engine, user, take_back):
    done = take_back(do(engine, "pull"))

    assert (done["synced"], done["skipped"]) == (0, 0)


def test_what_is_at_work_cannot_be_taken_back(engine):
    run_id = engine_runs.begin(engine, Asked("pull", ("users",), "test"))

    for dry in (True, False):
        with pytest.raises(AlreadyDecided):
            roll_back(engine, run_id, "test", dry_run=dry)


def test_what_is_not_known_cannot_be_taken_back(engine):
    with pytest.raises(NotFound):
        roll_back(engine, "nothing", "test", dry_run=True)


def test_a_dry_run_writes_nothing(client, crm, engine, user):
    crm.edit(user["crm_id"], phone=THERE)
    new_users(client, 2)
    new_there(crm, 2)
    run = do(engine, "both")
    before, sent = tables(), len(crm.line.sent)

    foreseen = roll_back(engine, run["id"], "test", dry_run=True)

    assert (tables(), len(crm.line.sent)) == (before, sent)
    assert (foreseen["dry_run"], foreseen["run_id"], len(foreseen["writes"])) == (True, run["id"], 6)
