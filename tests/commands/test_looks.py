"""`flask sync status`, `plan` and `verify`."""

import pytest
from sqlalchemy.exc import TimeoutError as NoConnection

from tests.support.runs import new_there, new_users
from tests.support.users import patch_later, read


def test_the_status_is_one_table(run, client, user):
    client.post("/sync")
    new_users(client, 1)

    shown = run("status").output

    assert "The sync is healthy." in shown
    assert "answers; circuit closed" in shown
    lines = {line.split("  ")[0]: line for line in shown.splitlines()}
    assert "1 owed" in lines["behind, push"]
    assert "succeeded" in lines["last run"]
    assert "100.0% of 1 runs" in lines["success rate"]
    assert "1 synced" in lines["records"]


def test_the_status_of_a_sync_that_never_ran_is_a_table_too(run):
    shown = run("status").output

    assert "never" in shown
    assert "none" in shown


def test_the_status_tells_what_is_wrong(run, client, crm):
    crm.fault("status", status=500, count=None)
    client.post("/sync")

    shown = run("status").output

    assert "The sync needs a look." in shown
    assert "does not answer" in shown


def test_the_status_tells_the_room_that_the_crm_leaves(run, engine):
    engine.crm.pace.heard({"RateLimit-Limit": "600", "RateLimit-Remaining": "590", "RateLimit-Reset": "12"})

    assert "590 of 600 calls left, anew in 12 s" in run("status").output


def test_a_plan_with_nothing_to_do_is_well(run, as_json):
    assert run("plan").exit_code == 0
    assert as_json("plan")[1]["would_change"] is False


def test_a_plan_shows_each_field_and_exits_with_2(run, as_json, client, crm, user):
    patch_later(client, user, phone="222-222-2222", name="Ann Here")
    new_there(crm, 1)

    answer = run("plan")

    assert answer.exit_code == 2
    lines = [line.split() for line in answer.stdout.splitlines()]
    assert any(line[:3] == ["crm", "update", f"users/{user['id']}"] for line in lines)
    assert "phone: '123-456-7890' → '222-222-2222'" in answer.stdout
    assert "name: 'Ann Example' → 'Ann Here'" in answer.stdout
    assert "Here: 1 create" in answer.stdout
    assert "In the CRM: 0 create, 1 update" in answer.stdout
    assert as_json("plan")[0] == 2
    assert read(client, user)["sync_status"] == "pending"


def test_a_plan_is_cut_to_what_is_asked(run, as_json, crm):
    new_there(crm, 3)

    assert "There are more writes" in run("plan", "--limit", "2").stdout
    assert as_json("plan", "--direction", "push")[0] == 0
    assert run("plan", "--resource", "planets").exit_code == 2
    assert run("plan", "--limit", "0").exit_code == 2


def test_a_plan_says_what_waits(run, conflict):
    assert "Waits: 1 conflicts for a person" in run("plan").stdout


def test_a_plan_says_which_deletions_need_a_person(run, client, crm):
    made = new_there(crm, 12)
    client.post("/sync")
    for one in made:
        crm.delete(one["crm_id"])

    assert "12 of 12 users would be deleted" in run("plan").stdout


@pytest.mark.parametrize("command", ["plan", "verify"])
def test_a_crm_that_cannot_be_read_is_an_error_in_words(run, crm, command):
    crm.fault("status", status=500, count=None)

    answer = run(command)

    assert (answer.exit_code, answer.stdout) == (1, "")
    assert answer.stderr.splitlines()[-1].startswith("Error: The CRM does not tell us: ")


def test_both_sides_in_step_are_well(run, user):
    answer = run("verify")

    assert answer.exit_code == 0
    assert "1 records in step as of" in answer.stdout


def test_a_difference_that_is_explained_is_listed_without_its_values(run, client, user, conflict):
    answer = run("verify")

    assert answer.exit_code == 0
    [line] = [line for line in answer.stdout.splitlines() if user["id"] in line]
    assert line.split()[:4] == ["conflict", f"users/{user['id']}", user["crm_id"], "phone"]
    assert conflict["local"] not in answer.stdout


def test_drift_exits_with_2_until_it_is_healed(run, as_json, user, webhook, terminal):
    webhook(user["crm_id"], {"phone": "555-555-5555"})  # which the CRM never said

    assert run("verify").exit_code == 2
    healed = run("verify", "--repair")

    assert (healed.exit_code, as_json("verify")[0]) == (0, 0)
    assert "Repair: Run " in healed.stdout


def test_a_database_that_cannot_is_an_error_in_words(run, monkeypatch):
    def busy(*_, **__):
        raise NoConnection("QueuePool limit")

    monkeypatch.setattr("app.services.plans.plan", busy)

    answer = run("plan")

    assert (answer.exit_code, answer.stderr.splitlines()[-1][:44]) == (
        1,
        "Error: The database cannot take this now. If",
    )
