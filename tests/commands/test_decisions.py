"""`flask sync conflicts`, `resolve` and `rules`."""

import pytest

from tests.support.decisions import HERE, THERE
from tests.support.operations import NOBODY, delete_many
from tests.support.users import read

WRONG = {
    "nothing": (),
    "no side": ("{id}",),
    "another side": ("{id}", "--use", "both"),
    "all and one": ("{id}", "--all", "--kind", "field", "--use", "crm"),
    "neither": ("--use", "crm"),
    "all there are": ("--all", "--use", "crm"),
    "a filter without all": ("{id}", "--kind", "field", "--use", "crm"),
    "another kind": ("--all", "--kind", "x", "--use", "crm"),
    "no value": ("{id}", "--use", "value"),
    "a value too many": ("{id}", "--use", "crm", "--value", "1"),
    "a value that is no JSON": ("{id}", "--use", "value", "--value", "222-222-2222"),
    "a rule for all": ("--all", "--kind", "field", "--use", "crm", "--rule"),
    "recreated by the CRM": ("{id}", "--use", "crm", "--recreate"),
    "an id of control characters": ("\x01", "--use", "crm"),
}


def test_conflicts_are_listed_with_their_ids_and_values(run, as_json, conflict):
    shown = run("conflicts", "--status", "open", "--resource", "users", "--field", "phone", "--kind", "field").output

    assert all(one in shown for one in (conflict["id"], repr(HERE), repr(THERE), "open"))
    for words in (("--status", "resolved"), ("--run", NOBODY), ("--field", "name"), ("--kind", "deleted")):
        assert "No conflicts." in run("conflicts", *words).output
        assert as_json("conflicts", *words) == (0, {"total": 0, "conflicts": []})


@pytest.mark.parametrize(
    ("words", "value"),
    [(("--use", "crm"), THERE), (("--use", "local"), HERE), (("--use", "value", "--value", '"333-333-3333"'), "333-333-3333"),
     (("--use", "value", "--value", "null"), None)],
)  # fmt: skip
def test_a_person_decides(run, client, crm, user, worker, conflict, words, value):
    answer = run("resolve", conflict["id"], *words)
    worker.drain()

    assert (answer.exit_code, answer.stdout.strip()) == (0, "1 resolved.")
    assert (read(client, user)["phone"], crm.get(user["crm_id"])["phone"]) == (value, value)
    assert client.get(f"/sync/conflicts/{conflict['id']}").json["resolved_by"] == "command"


@pytest.mark.parametrize("words", WRONG.values(), ids=WRONG)
def test_a_decision_that_makes_no_sense_is_refused(run, client, conflict, words):
    answer = run("resolve", *(word.format(id=conflict["id"]) for word in words))

    assert answer.exit_code == 2
    assert client.get(f"/sync/conflicts/{conflict['id']}").json["status"] == "open"


def test_what_cannot_be_decided_is_left_and_said(run, as_json, conflict):
    code, found = as_json("resolve", conflict["id"], NOBODY, "--use", "crm")

    assert (code, found["resolved"], [one["id"] for one in found["left"]]) == (1, 1, [NOBODY])
    answer = run("resolve", conflict["id"], "--use", "crm")
    assert answer.exit_code == 1
    assert f"Left: {conflict['id']}  The conflict was resolved already" in answer.stdout


def test_a_value_that_is_not_valid_is_left(as_json, conflict):
    code, found = as_json("resolve", conflict["id"], "--use", "value", "--value", '"no phone"')

    assert (code, found["left"][0]["code"]) == (1, "invalid")


def test_all_that_fit_are_decided_at_once(run, as_json, client, crm):
    stopped = delete_many(client, crm)

    assert as_json("resolve", "--all", "--run", NOBODY, "--use", "crm") == (0, {"resolved": 0, "left": []})
    answer = run("resolve", "--all", "--run", stopped["id"], "--kind", "deleted", "--use", "local", "--recreate")

    assert (answer.exit_code, answer.stdout.strip()) == (0, "12 resolved.")


def test_a_decision_becomes_a_rule(run, as_json, conflict):
    run("rules", "drop", "users.phone")
    assert run("rules").output.strip().endswith("No rules.")

    run("resolve", conflict["id"], "--use", "local", "--rule")

    [rule] = as_json("rules")[1]["rules"]
    assert (rule["field"], rule["policy"], rule["set_by"]) == ("users.phone", "local_wins", "command")


def test_rules_are_set_and_dropped(run, as_json):
    assert run("rules", "set", "users.phone", "manual").exit_code == 0
    assert "users.phone  manual  by command" in run("rules").output
    assert as_json("rules", "drop", "users.phone") == (0, {"rules": []})


@pytest.mark.parametrize(
    ("words", "code"),
    [(("set", "users.colour", "manual"), 1), (("set", "users.phone", "x"), 2), (("set", "users.phone"), 2),
     (("drop", "users.phone"), 1), (("drop",), 2), (("forget", "users.phone"), 2)],
)  # fmt: skip
def test_rules_that_make_no_sense_are_refused(run, words, code):
    answer = run("rules", *words)

    assert (answer.exit_code, answer.stdout) == (code, "")
    assert "Error: " in answer.stderr
