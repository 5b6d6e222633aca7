"""`flask sync explain`, `undo` and `restore`."""

import pytest

from tests.support.operations import NOBODY
from tests.support.settings import ANN
from tests.support.users import changes_of, fields_of, patch, patch_later, read


@pytest.fixture
def place(user):
    return f"users/{user['id']}"


def test_a_record_is_explained_without_its_values(run, as_json, client, user, place):
    patch_later(client, user, name="Ann Later")

    answer = run("explain", place)

    assert answer.exit_code == 0
    assert "The CRM has yet to hear of: name." in answer.stdout
    lines = {line.split()[0]: line for line in answer.stdout.splitlines() if line}
    assert "owed to the CRM" in lines["name"]
    assert "set by api" in lines["email"]
    assert "in step" in lines["email"]
    assert "Ann Later" not in answer.stdout
    assert as_json("explain", place)[1]["fields"]["name"]["value"] == "Ann Later"


def test_an_explanation_says_what_to_do(run, place, conflict):
    shown = run("explain", place).stdout

    assert f"To do: Decide: POST /sync/conflicts/{conflict['id']}/resolve" in shown
    assert "waits for a person" in shown


def test_an_edit_is_undone_on_both_sides(run, client, crm, user, place):
    patch(client, user, phone="222-222-2222")
    change = str(changes_of(client, user)[0]["id"])

    answer = run("undo", place, change)

    assert answer.exit_code == 0
    assert f"{place} synced" in answer.stdout
    assert (fields_of(read(client, user)), crm.get(user["crm_id"])["phone"]) == (ANN, ANN["phone"])
    assert run("undo", place, change).stderr.splitlines()[-1].startswith("Error: Changed since: phone")


def test_a_deleted_record_comes_back_on_both_sides(as_json, client, crm, user, place):
    client.delete(f"/users/{user['id']}")

    code, found = as_json("restore", place)

    assert (code, found["record_id"], found["sync_status"]) == (0, user["id"], "synced")
    assert (fields_of(read(client, user)), len(crm.all())) == (ANN, 1)


def test_to_undo_the_creation_is_to_delete(run, client, crm, user, place):
    answer = run("undo", place, str(changes_of(client, user)[-1]["id"]))

    assert answer.exit_code == 0
    assert "deleted" in answer.stdout
    assert crm.all() == []


@pytest.mark.parametrize("words", [("explain",), ("restore",), ("undo", "1")])
def test_what_is_no_record_is_an_error_in_words(run, words):
    command, *rest = words
    for place, code in ((f"users/{NOBODY}", 1), ("users/none", 1), ("users", 2), ("users/", 2), ("/x", 2),
                        (f"planets/{NOBODY}", 2), ("users/\x01", 2)):  # fmt: skip
        answer = run(command, place, *rest)
        assert (answer.exit_code, answer.stdout) == (code, ""), place
        assert "Error: " in answer.stderr


@pytest.mark.parametrize("change", ["0", "-1", "x", str(2**63)])
def test_what_is_no_change_is_refused(run, place, change):
    assert run("undo", place, change).exit_code == 2
