"""A rollback that is killed half-way goes on and ends; nothing is done twice, and nothing is forgotten."""

import pytest

from app.services import runs
from app.services.rollbacks import roll_back
from app.sync import taking_back
from tests.support.decisions import assert_in_step
from tests.support.drift import look
from tests.support.runs import Killed, cut_off, do, done_here, kill_at, new_there, new_users, wake_up
from tests.support.users import LATER, patch, read

THERE, BEFORE = "987-654-3210", "123-456-7890"
AROUND_THE_CALL = pytest.mark.parametrize("after", [False, True], ids=["before-the-call", "after-the-call"])


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    monkeypatch.setattr("app.sync.taking_back.AT_ONCE", 3)


@pytest.fixture
def pulled(client, crm, engine, another):
    """Ten users, and the run that pulled an edit of each."""
    users = [client.post("/users", json=another()).json for _ in range(10)]
    for one in users:
        crm.edit(one["crm_id"], phone=THERE)
    return users, do(engine, "pull")


def lying(engine):
    [found] = [one for one in runs.listing(engine, 20, 0)[0] if one["direction"] == "rollback"]
    return found


def kill_in_commit(monkeypatch, number):
    """Kill whoever ends a page of this number, before its transaction is committed."""
    counted, pages = taking_back._counted, iter(range(1, 100))

    def counting(work):
        if next(pages) == number:
            raise Killed
        return counted(work)

    monkeypatch.setattr(taking_back, "_counted", counting)


def test_killed_before_a_page_is_committed(app, client, crm, engine, clock, monkeypatch, pulled):
    users, run = pulled
    with monkeypatch.context() as patched:
        kill_in_commit(patched, 3)
        with cut_off(monkeypatch):
            roll_back(engine, run["id"], "test", dry_run=False)
    assert (lying(engine)["status"], lying(engine)["pulled"]) == ("running", 6)

    wake_up(app, engine, clock)

    assert_it_ended_well(client, crm, engine, users, run)


@AROUND_THE_CALL
@pytest.mark.parametrize(
    ("number", "method", "path"),
    [(1, "POST", "/crm/users/batch"), (3, "POST", "/crm/users/batch"), (1, "PATCH", "/crm/users")],
    ids=["first-page", "third-page", "last-record"],
)
def test_killed_while_it_pushes(app, client, crm, engine, clock, monkeypatch, pulled, number, method, path, after):
    users, run = pulled
    kill_at(crm, number, method=method, path=path, after=after)
    with cut_off(monkeypatch):
        roll_back(engine, run["id"], "test", dry_run=False)
    wake_up(app, engine, clock)

    assert_it_ended_well(client, crm, engine, users, run)


def assert_it_ended_well(client, crm, engine, users, run):
    done = lying(engine)
    assert (done["status"], done["resumed"], done["rolls_back"]) == ("succeeded", 1, run["id"])
    assert (done["pulled"], done["skipped"], done["parts"]["users"]["left"]) == (10, 0, [])
    assert {read(client, one)["phone"] for one in users} == {BEFORE}
    assert {one["phone"] for one in crm.all()} == {BEFORE}
    assert len(done_here(done["id"])) == 10, "each record went back once"
    assert_in_step(engine, crm)


def test_what_was_left_before_the_kill_is_listed_in_the_end(app, client, crm, engine, clock, monkeypatch, pulled):
    users, run = pulled
    patch(client, users[0], name="Since")
    kill_at(crm, 2, method="POST", path="/crm/users/batch")
    with cut_off(monkeypatch):
        roll_back(engine, run["id"], "test", dry_run=False)
    wake_up(app, engine, clock)

    done = lying(engine)
    assert [one["record_id"] for one in done["parts"]["users"]["left"]] == [users[0]["id"]]
    assert (done["skipped"], done["pulled"]) == (1, 9)


@AROUND_THE_CALL
def test_killed_while_it_deletes_in_the_crm(app, client, crm, engine, clock, monkeypatch, after):
    users = new_users(client, 5)
    run = do(engine, "push")
    kill_at(crm, 2, method="DELETE", after=after)
    with cut_off(monkeypatch):
        roll_back(engine, run["id"], "test", dry_run=False)
    wake_up(app, engine, clock)

    done = lying(engine)
    assert (done["status"], done["resumed"], done["deleted"], done["pushed"]) == ("succeeded", 1, 5, 5)
    assert crm.all() == []
    assert {read(client, one)["crm_id"] for one in users} == {None}
    assert len(look(engine)["differences"]) == 5


@AROUND_THE_CALL
@pytest.mark.parametrize("number", [1, 2])
def test_killed_while_it_creates_anew_what_was_deleted(
    app, client, crm, engine, clock, monkeypatch, another, number, after
):
    users = [client.post("/users", json=another()).json for _ in range(4)]
    for one in users:
        client.delete(f"/users/{one['id']}", headers=LATER)
    run = do(engine, "push")
    assert crm.all() == []
    kill_at(crm, number, method="POST", after=after)
    with cut_off(monkeypatch):
        roll_back(engine, run["id"], "test", dry_run=False)
    wake_up(app, engine, clock)

    assert lying(engine)["status"] == "succeeded"
    assert len(crm.all()) == 4, "none is created twice"
    assert_in_step(engine, crm)


def test_a_run_by_hand_goes_on_with_a_dead_rollback(client, crm, engine, clock, monkeypatch, pulled):
    users, run = pulled
    kill_at(crm, 1, method="POST", path="/crm/users/batch")
    with cut_off(monkeypatch):
        roll_back(engine, run["id"], "test", dry_run=False)
    clock.pass_(minutes=3)
    new_there(crm, 1)
    do(engine, "pull")

    assert lying(engine)["status"] == "succeeded"
    assert {read(client, one)["phone"] for one in users} == {BEFORE}
