"""`flask sync import`: what goes in, what is there already, what is rejected and why."""

import csv
import json
import os
import threading

import pytest

from app.resources import REGISTRY
from app.services.files import importing
from tests.support.users import FIELDS, changes_of


@pytest.fixture
def registry():
    return REGISTRY


@pytest.fixture
def file(tmp_path):
    """Write a file to import, and return its path."""

    def write(text, name="users.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write


@pytest.fixture
def run(app, monkeypatch):
    monkeypatch.setattr(importing, "CHUNK", 3)
    runner = app.test_cli_runner()
    return lambda *words, **more: runner.invoke(args=["sync", "import", *map(str, words)], **more)


@pytest.fixture
def users(client):
    return lambda: {
        one["email"]: tuple(one[name] for name in FIELDS) for one in client.get("/users?per_page=100").json["data"]
    }


def _lines(path):
    with path.open(newline="") as text:
        return list(csv.reader(text))


def test_a_file_goes_in_and_reaches_the_crm(run, file, users, client, crm, worker):
    text = "".join(f"User {number},u{number}@example.com,\n" for number in range(8))

    answer = run(file(f"Name,E-Mail,Phone\n{text}"))

    assert answer.exit_code == 0
    assert answer.stdout == "8 created, 0 updated, 0 already there, 0 rejected in 0.0 seconds\n"
    assert users() == {
        f"u{number}@example.com": (f"User {number}", f"u{number}@example.com", None) for number in range(8)
    }
    assert client.get("/users?sync_status=pending").json["pagination"]["total"] == 8
    worker.push()
    assert len(crm.all()) == 8
    assert {one["by"] for one in changes_of(client, client.get("/users").json["data"][0])} == {"api"}


def test_rejected_rows_go_to_a_file_with_their_line_and_the_reason(run, file, user, users):
    path = file(
        "name;email;phone;notes\n"
        "Ann;one@example.com;;x\n"
        ";two@example.com;;\n"
        f'"Eve; ""E""";{user["email"].upper()};;\n'
        "\n"
        "Bob;three@example.com\n"
        "Bob;bob@example.com;=1;n\n"
        "Bob;one@Example.com;;\n"
        "Bob;four@example.com;+1 212 555 0100;\n"
    )

    answer = run(path)

    rejected = path.with_name("users.csv.rejected.csv")
    assert answer.exit_code == 1
    assert answer.stdout == f"2 created, 0 updated, 0 already there, 5 rejected ({rejected}) in 0.0 seconds\n"
    assert "Ignored columns: notes." in answer.stderr
    header, *lines = rejected.read_text().splitlines()
    assert header == "name;email;phone;notes;line;reason"
    assert lines[1] == f'"Eve; ""E""";{user["email"].upper()};;;4;Another user has this email.'
    assert [line.split(";")[-2] for line in lines] == ["3", "4", "6", "7", "8"]
    assert lines[0].endswith("3;name: Must not be blank.")
    assert lines[2] == "Bob;three@example.com;;;6;It has 2 cells, the header has 4."
    assert "phone" in lines[3]
    assert users().keys() == {user["email"], "one@example.com", "four@example.com"}


def test_the_rejected_file_goes_in_once_it_is_mended(run, file, users):
    path = file("name,email\nAnn,no\nBob,bob@example.com\n")
    run(path)
    rejected = path.with_name("users.csv.rejected.csv")
    rejected.write_text(rejected.read_text().replace("no,", "ann@example.com,", 1))

    answer = run(rejected)

    assert answer.exit_code == 0
    assert "Ignored columns: line, reason." in answer.stderr
    assert users().keys() == {"ann@example.com", "bob@example.com"}


def test_the_same_file_again_changes_nothing(run, file, client):
    path = file("name,email\nAnn,ann@example.com\nBob,bob@example.com\n")
    run(path)

    answer = run(path)

    assert answer.exit_code == 0
    assert answer.stdout.startswith("0 created, 0 updated, 2 already there, 0 rejected")
    assert {one["version"] for one in client.get("/users").json["data"]} == {1}


def test_records_that_are_there_are_changed_when_asked(run, file, client, user, users, crm, worker):
    path = file(f"name,email\nAnn Two,{user['email'].upper()}\nNew,new@example.com\n{user['name']},x@example.com\n")

    answer = run(path, "--update")

    assert answer.stdout.startswith("2 created, 1 updated, 0 already there, 0 rejected")
    assert users()[user["email"].upper()] == ("Ann Two", user["email"].upper(), user["phone"])
    worker.push()
    assert crm.get(user["crm_id"])["name"] == "Ann Two"
    assert run(path, "--update").stdout.startswith("0 created, 0 updated, 3 already there")
    assert client.get(f"/users/{user['id']}").json["version"] == 2


@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["real", "dry"])
class TestWhereAChunkEndsMakesNoDifference:
    ROWS = ("A,a@", "B,b@", "A,a@", "A2,A@", "C,c@", "B2,b@")
    TEXT = "name,email\n" + "".join(f"{row}example.com\n" for row in ROWS)

    def test_of_one_email_the_first_row_wins(self, run, file, users, monkeypatch, chunk, dry):
        monkeypatch.setattr(importing, "CHUNK", chunk)
        path = file(self.TEXT)

        answer = run(path, *dry)

        assert "3 created, 0 updated, 1 already there, 2 rejected" in answer.stdout
        rejected = _lines(path.with_name("users.csv.rejected.csv"))[1:]
        assert [line[2:] for line in rejected] == [[line, "Another user has this email."] for line in ("5", "7")]
        assert sorted(name for name, *_ in users().values()) == ([] if dry else ["A", "B", "C"])

    def test_with_updates_the_last_row_wins(self, run, file, users, monkeypatch, chunk, dry):
        monkeypatch.setattr(importing, "CHUNK", chunk)
        path = file(self.TEXT)

        answer = run(path, "--update", *dry)

        assert "3 created, 2 updated, 1 already there, 0 rejected" in answer.stdout
        assert not path.with_name("users.csv.rejected.csv").exists()
        assert sorted(name for name, *_ in users().values()) == ([] if dry else ["A2", "B2", "C"])


def test_a_dry_run_says_the_same_and_stores_nothing(run, file, user, users):
    path = file(f"name,email\nAnn,a@example.com\nBob,no\nEve,{user['email']}\n{user['name']},{user['email']}\n")

    rehearsed = run(path, "--dry-run")

    assert (rehearsed.exit_code, users().keys()) == (1, {user["email"]})
    said = _lines(path.with_name("users.csv.rejected.csv"))
    real = run(path)
    assert rehearsed.stdout == f"Dry run, nothing was stored: {real.stdout}"
    assert real.stdout.startswith("1 created, 0 updated, 1 already there, 2 rejected")
    assert _lines(path.with_name("users.csv.rejected.csv")) == said


def test_objects_a_line(run, file, users):
    path = file(
        '{"name": "Ann", "Full Name": "Ann A", "email": "a@example.com", "id": "7", "phone": ""}\n'
        '{"full_name": "Bob"}\n[]\n{"full_name": 7, "email": "b@example.com", "name": "\\ud800"}\n',
        "users.jsonl",
    )

    answer = run(path, "--map", "Full Name=name")

    assert answer.stdout.startswith("1 created, 0 updated, 0 already there, 3 rejected")
    assert "Ignored columns: name, id." in answer.stderr
    assert users() == {"a@example.com": ("Ann A", "a@example.com", "")}
    rejected = [json.loads(line) for line in path.with_name("users.jsonl.rejected.ndjson").read_text().splitlines()]
    assert [one["line"] for one in rejected] == [2, 3, 4]
    assert (rejected[0]["full_name"], rejected[1]["text"], rejected[2]["reason"]) == (
        "Bob",
        "[]",
        "It holds half a surrogate pair, which is no character.",
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_names_arrive_whatever_the_encoding(run, file, users, encoding):
    answer = run(
        file(
            "name,email\nJürgen Łoś,j@example.com\n".replace("Łoś", "Los" if encoding == "cp1252" else "Łoś"),
            encoding=encoding,
        )
    )

    assert answer.exit_code == 0
    assert ("cp1252" in answer.stderr) == (encoding == "cp1252")
    assert users()["j@example.com"][0].startswith("Jürgen")


def test_standard_input_is_read_too(run, users, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    answer = run("-", "--format", "csv", "--json", input=b"name,email\nAnn,a@example.com\nBob,no\n")

    said = json.loads(answer.stdout)
    assert (answer.exit_code, said["rows"], said["created"], said["rejected"]) == (1, 2, 1, 1)
    assert said["rejected_file"] == "import.rejected.csv"
    assert sorted(one.name for one in tmp_path.iterdir() if "import" in one.name) == ["import.rejected.csv"]


def test_a_pipe_is_read_once_and_leaves_nothing_beside_it(run, users, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pipe = tmp_path / "users.csv"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("name,email\nAnn,a@example.com\n",))
    writer.start()

    answer = run(pipe)

    writer.join()
    assert (answer.exit_code, users().keys()) == (0, {"a@example.com"})
    assert not [one for one in tmp_path.iterdir() if one.suffix == ".progress"]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-1e999", '{"a": 1, "a": 2}', "[" * 60 + "]" * 60, '"a\\u0000"'])
@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_what_no_body_may_hold_no_row_may_hold(run, file, client, value, kind):
    cell = f'{{"a": {value}}}'.replace('"', '""')
    text = f'first_name,last_name,custom_fields\nQ,P,"{cell}"\n' if kind == "csv" else ""
    text = text or f'{{"first_name": "Q", "last_name": "P", "custom_fields": {{"a": {value}}}}}\n'

    answer = run(file(text, f"contacts.{kind}"), "--resource", "contacts")

    assert answer.stdout.startswith("0 created, 0 updated, 0 already there, 1 rejected"), answer.output
    assert client.get("/contacts").json["pagination"]["total"] == 0


@pytest.mark.parametrize(
    ("resource", "text"),
    [
        (
            "calendar-events",
            "title,starts_at,ends_at\nA,2030-01-01T10:00,2030-01-01T09:00\nB,2030-01-01T10:00,2030-01-01T11:00\n",
        ),
        ("comments", "content,entity_type,entity_id\nGo on,task,00000000-0000-4000-8000-000000000000\n"),
    ],
)
def test_a_rehearsal_says_what_the_import_does_of_every_resource(run, file, resource, text):
    path = file(text, f"{resource}.csv")

    rehearsed = run(path, "--resource", resource, "--dry-run")
    real = run(path, "--resource", resource)

    assert rehearsed.stdout == f"Dry run, nothing was stored: {real.stdout}", rehearsed.output
    assert (rehearsed.exit_code, real.exit_code) == (1, 1)
