"""`flask sync run` and what goes with runs."""

import pytest

from tests.support.operations import MANY, NOBODY, delete_many
from tests.support.runs import new_there, new_users
from tests.support.users import read


def test_a_run_is_asked_for_in_every_way(as_json, client):
    words = ("--direction", "bidirectional", "--resource", "users", "--batch-size", "7", "--policy", "users:latest")

    code, run = as_json("run", *words)

    assert (code, run["direction"], run["batch_size"], run["policy"]) == (0, "both", 7, "crm_wins,users:latest")
    assert (run["asked_by"], client.get(f"/sync/runs/{run['id']}").json["id"]) == ("command", run["id"])


@pytest.mark.parametrize(
    "words",
    [("--direction", "up"), ("--batch-size", "0"), ("--batch-size", "1001"), ("--policy", "nobody_wins"),
     ("--policy", "planets:manual"), ("--resource", "planets"), ("--resource", "\udcff"), ("--colour", "red")],
)  # fmt: skip
def test_what_makes_no_sense_is_named_and_nothing_runs(run, client, words):
    answer = run("run", *words)

    assert answer.exit_code == 2
    assert words[0] in answer.stderr or "planets" in answer.stderr or "No such resource" in answer.stderr
    assert client.get("/sync/runs").json["data"] == []


def test_progress_is_a_line_on_a_terminal(run, crm, terminal):
    new_there(crm, 2)

    answer = run("run")

    assert "users: 2 done" in answer.stderr
    assert "records a minute" in answer.stderr
    assert "\r" not in answer.stdout
    assert "2 pulled" in answer.stdout


def test_nobody_looks_and_no_line_is_drawn(run, crm):
    new_there(crm, 2)

    assert "\r" not in run("run").output


def test_a_run_that_fails_says_why(run, crm):
    crm.fault("status", status=500, count=None)

    answer = run("pull")

    assert answer.exit_code == 1
    assert "failed (users: " in answer.stdout
    assert "Failures: 1 " in answer.stdout


def test_runs_are_listed(run, as_json, client):
    assert run("runs").output.strip() == "No runs."
    made = [client.post("/sync").json["id"] for _ in range(3)]

    code, found = as_json("runs", "--limit", "2")

    assert (code, found["total"], [one["id"] for one in found["runs"]]) == (0, 3, made[:0:-1])
    assert made[0] in run("runs").output


def test_a_rollback_is_shown_before_it_is_done(run, as_json, client, crm, user):
    crm.edit(user["crm_id"], name="Ann There")
    made = client.post("/sync").json["id"]

    answer = run("rollback", made, "--dry-run")
    code, found = as_json("rollback", made, "--dry-run")

    assert (answer.exit_code, code, found["dry_run"]) == (0, 0, True)
    assert "'Ann There' → 'Ann Example'" in answer.stdout
    assert "1 update here, 1 update in the CRM." in answer.stdout
    assert read(client, user)["name"] == "Ann There"


def test_a_rollback_goes_ahead_where_nobody_can_be_asked(as_json, client, crm, user):
    crm.edit(user["crm_id"], name="Ann There")
    made = client.post("/sync").json["id"]

    code, done = as_json("rollback", made)

    assert (code, done["rolls_back"], done["asked_by"]) == (0, made, "command")
    assert read(client, user)["name"] == "Ann Example"


@pytest.mark.parametrize(("words", "said", "name"), [((), "n", "Ann There"), ((), "y", "Ann Example"),
                                                     (("--yes",), "", "Ann Example")])  # fmt: skip
def test_a_person_is_asked(run, client, crm, user, terminal, words, said, name):
    crm.edit(user["crm_id"], name="Ann There")
    made = client.post("/sync").json["id"]

    answer = run("rollback", made, *words, input=said)

    assert ("Take this run back?" in answer.stderr) == (not words)
    assert (answer.exit_code, read(client, user)["name"]) == (1 if said == "n" else 0, name)


def test_what_a_rollback_leaves_is_listed(run, client, crm, user):
    crm.edit(user["crm_id"], name="Ann There")
    made = client.post("/sync").json["id"]
    client.patch(f"/users/{user['id']}", json={"name": "Ann Later"})

    for words in (("--dry-run",), ()):
        assert f"Left: users/{user['id']}" in run("rollback", made, *words).stdout


def test_deletions_are_approved(run, client, crm):
    stopped = delete_many(client, crm)

    assert f"Approved: {MANY} deletions done." in run("approve", stopped["id"]).output
    assert client.get("/users").json["data"] == []


def test_deletions_are_refused_and_brought_back(as_json, client, crm, worker):
    stopped = delete_many(client, crm)

    code, found = as_json("refuse", stopped["id"], "--recreate")
    worker.drain()

    assert (code, found["status"], found["resolved"], len(crm.all())) == (0, "refused", MANY, MANY)


def test_a_run_that_needs_a_person_says_what_to_do(run, client, crm):
    made = new_there(crm, MANY)
    client.post("/sync")
    for one in made:
        crm.delete(one["crm_id"])

    answer = run("run")

    assert answer.exit_code == 1
    assert "flask sync approve " in answer.stdout


@pytest.mark.parametrize("command", ["rollback", "approve", "refuse"])
def test_a_run_that_is_not_there_is_an_error_in_words(run, command):
    for run_id in (NOBODY, "none"):
        answer = run(command, run_id)
        assert (answer.exit_code, answer.stderr.strip(), answer.stdout) == (1, "Error: There is no such run.", "")
    assert run(command, "\x01").exit_code == 2


def test_the_schedule_is_paused_and_resumed(run, as_json):
    assert as_json("pause")[1]["by"] == "command"
    assert "paused since" in run("status").output
    assert "goes on" in run("resume").output
    assert "paused" not in run("status").output


def test_a_retry_counts_what_it_put_back(as_json, client, crm, another):
    crm.fault("status", status=400, count=1, method="POST")
    client.post("/users", json=another())

    code, found = as_json("retry")

    assert (code, found["retried"], found["pushed"]) == (0, 1, 1)


def test_pushing_and_pulling_take_the_same_options(as_json, client, crm):
    new_users(client, 1)
    new_there(crm, 1)

    assert as_json("push", "--batch-size", "1")[1]["pushed"] == 1
    assert as_json("pull", "--policy", "manual")[1]["pulled"] == 1
