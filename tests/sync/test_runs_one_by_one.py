"""A CRM without a change feed: each record that we know is asked for by itself."""

import pytest

from app.crm import NotThere, Rejected
from app.services import verifying
from app.sync.runs import resume_dead
from tests.support.runs import do, new_users


@pytest.fixture
def asked(engine, monkeypatch):
    """The CRM's ids that were asked for; a function of the test may be called before each."""
    ids, before, get = [], [], engine.crm.get

    def list_changed(*_args, **_more):
        raise NotThere("There is no such call.", status=404)

    def get_one(path, crm_id, **more):
        ids.append(crm_id)
        for act in before:
            act(crm_id)
        return get(path, crm_id, **more)

    monkeypatch.setattr(engine.crm, "list_changed", list_changed)
    monkeypatch.setattr(engine.crm, "get", get_one)
    ids_and_before = type("Asked", (), {"ids": ids, "before": before})
    return ids_and_before()


@pytest.fixture
def three(client, crm, engine):
    new_users(client, 3)
    do(engine, "push")
    return sorted(one["crm_id"] for one in crm.all())


def refuse(*refused):
    def act(crm_id):
        if not refused or crm_id in refused:
            raise Rejected("You may not see this.", status=403)

    return act


def test_one_that_the_crm_does_not_show_keeps_nobody_from_the_others(crm, engine, client, three, asked):
    asked.before.append(refuse(three[0]))
    for crm_id in three:
        crm.edit(crm_id, name="Edited there")

    run = do(engine, "pull")

    assert (run["status"], run["updated"], run["failed"], run["errors"]) == ("succeeded", 2, 1, {"rejected": 1})
    names = {one["crm_id"]: one["name"] for one in client.get("/users").json["data"]}
    assert [names[crm_id] == "Edited there" for crm_id in three] == [False, True, True]


def test_a_crm_that_shows_nothing_is_a_failed_run(engine, three, asked):
    asked.before.append(refuse())

    run = do(engine, "pull")

    assert (run["status"], run["errors"]) == ("failed", {"Rejected": 1})


def test_verify_names_what_the_crm_does_not_show_and_repair_leaves_it(engine, three, asked):
    asked.before.append(refuse(three[0]))

    found = verifying.verify(engine, ["users"], repair=True, by="test")

    [one] = [each for each in found["differences"] if each["crm_id"] == three[0]]
    assert "does not show it" in one["note"]
    assert (found["in_step"], len(found["differences"])) == (2, 1)


def test_a_run_that_asks_for_longer_than_it_may_be_silent_is_not_taken_for_dead(engine, clock, three, asked):
    resumed = []
    asked.before.append(lambda _: clock.pass_(seconds=100))
    asked.before.append(lambda _: resumed.append(resume_dead(engine)))

    run = do(engine, "pull")

    assert (run["status"], run["resumed"], resumed) == ("succeeded", 0, [0, 0, 0])
