"""`flask sync import` that was stopped, and what it refuses before it begins."""

import io
import json

import pytest

from app.commands import files
from app.core.errors import NotNow
from app.resources import REGISTRY
from app.services.files import importing
from app.services.files.landing import Database
from app.services.files.progress import Progress

ROWS = 10
CHUNK = 3
BAD = 4


class Killed(BaseException):
    """Nobody catches it, as nobody catches a kill -9."""


@pytest.fixture
def registry():
    return REGISTRY


@pytest.fixture
def run(app, monkeypatch):
    monkeypatch.setattr(importing, "CHUNK", CHUNK)
    runner = app.test_cli_runner()
    return lambda *words, **more: runner.invoke(args=["sync", "import", *map(str, words)], **more)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "users.csv"
    rows = [f"User {number},{'no' if number == BAD else f'u{number}@example.com'}" for number in range(ROWS)]
    path.write_text("name,email\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture
def total(client):
    return lambda: client.get("/users").json["pagination"]["total"]


@pytest.fixture
def kill(monkeypatch, run):
    """Run an import that is killed in its n-th chunk: before its commit, or after it and before that is noted."""

    def killed(chunk, when, *words):
        calls = []

        def then(real, *args, **more):
            calls.append(1)
            if len(calls) == chunk:
                raise Killed
            return real(*args, **more)

        with monkeypatch.context() as patched:
            owner, name = (Progress, "note") if when == "noted" else (Database, "create")
            real = getattr(owner, name)
            chunk += when == "noted"  # the beginning is noted too
            patched.setattr(owner, name, lambda *args, **more: then(real, *args, **more))
            with pytest.raises(Killed):
                run(*words)

    return killed


@pytest.mark.parametrize("chunk", [1, 2, 3, 4])
@pytest.mark.parametrize("when", ["committed", "noted"])
def test_a_killed_import_goes_on_and_doubles_nothing(run, kill, path, total, client, chunk, when):
    kill(chunk, when, path)
    done = CHUNK * (chunk - 1)
    stored = min(ROWS, done + (CHUNK if when == "noted" else 0))
    assert total() == stored - (stored > BAD)

    answer = run(path)

    assert answer.exit_code == 1
    assert answer.stdout.startswith(f"{ROWS - 1} created, 0 updated, 0 already there, 1 rejected")
    assert (f"Goes on after row {done}" in answer.stderr) == (done > 0)
    assert total() == ROWS - 1
    assert {one["version"] for one in client.get("/users").json["data"]} == {1}
    assert len(path.with_name("users.csv.rejected.csv").read_text().splitlines()) == 2
    assert not path.with_name("users.csv.progress").exists()


@pytest.mark.parametrize("when", ["committed", "noted"])
def test_what_has_no_unique_value_is_not_doubled_either(run, kill, tmp_path, client, registry, when):
    path = tmp_path / "contacts.csv"
    path.write_text("first_name,last_name\n" + "Ann,Example\n" * ROWS)
    kill(2, when, path, "--resource", "contacts")

    answer = run(path, "--resource", "contacts")

    assert answer.stdout.startswith(f"{ROWS} created, 0 updated, 0 already there, 0 rejected")
    found = client.get("/contacts?sort=created_at").json
    assert found["pagination"]["total"] == ROWS
    assert len({one["id"] for one in found["data"]}) == ROWS


def test_a_progress_that_cannot_be_noted_any_more_is_no_reason_to_double(run, tmp_path, client, registry):
    path = tmp_path / "contacts.csv"
    path.write_text("first_name,last_name\n" + "Ann,Example\n" * ROWS)
    in_the_way = tmp_path / "contacts.csv.progress.part"

    def get_in_the_way(real, *args):
        in_the_way.mkdir(exist_ok=True)
        return real(*args)

    create = Database.create
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Database, "create", lambda *args: get_in_the_way(create, *args))
        answer = run(path, "--resource", "contacts")
    assert (answer.exit_code, ".progress cannot be written" in answer.stderr) == (1, True)
    in_the_way.rmdir()

    assert run(path, "--resource", "contacts").stdout.startswith(f"{ROWS} created")
    assert client.get("/contacts").json["pagination"]["total"] == ROWS


def test_progress_says_how_far_it_came(kill, path):
    kill(3, "committed", path)

    noted = json.loads(path.with_name("users.csv.progress").read_text())
    assert noted["counts"] == {"rows": 6, "created": 5, "updated": 0, "already_there": 0, "rejected": 1}


def test_a_file_that_has_changed_is_not_gone_on_with(run, kill, path, total):
    kill(3, "committed", path)
    with path.open("a") as file:
        file.write("New,new@example.com\n")

    answer = run(path)

    assert (answer.exit_code, total()) == (2, 5)
    assert "The file has changed" in answer.stderr
    assert "--restart" in answer.stderr
    again = run(path, "--restart")
    assert again.stdout.startswith("5 created, 0 updated, 5 already there, 1 rejected")
    assert total() == ROWS


@pytest.mark.parametrize(
    "words", [("--update",), ("--map", "name=name"), ("--delimiter", ","), ("--encoding", "utf-8")]
)
def test_another_reading_of_the_file_is_not_gone_on_with(run, kill, path, words):
    kill(2, "committed", path)

    answer = run(path, *words)

    assert answer.exit_code == 2
    assert f"another {'mapping' if words[0] == '--map' else words[0][2:]}" in answer.stderr


def test_progress_that_cannot_be_read_is_said(run, path):
    path.with_name("users.csv.progress").write_text("{")

    assert "--restart" in run(path).stderr
    assert run(path, "--restart").exit_code == 1


def test_a_database_that_is_busy_stops_an_import_that_can_go_on(run, path, monkeypatch, total):
    def busy(*_):
        raise NotNow("The database is busy.")

    with monkeypatch.context() as patched:
        patched.setattr(Database, "create", busy)
        answer = run(path)

    assert (answer.exit_code, total()) == (1, 0)
    assert "goes on after row 0" in answer.stderr
    assert run(path).stdout.startswith("9 created")


def test_a_dry_run_leaves_a_stopped_import_alone(run, kill, path, tmp_path):
    kill(3, "committed", path)
    before = path.with_name("users.csv.rejected.csv").read_text()

    assert run(path, "--dry-run").exit_code == 2
    other = run(path, "--dry-run", "--rejected", tmp_path / "other.csv")
    assert "4 created, 0 updated, 5 already there, 1 rejected" in other.stdout
    assert path.with_name("users.csv.rejected.csv").read_text() == before
    assert run(path).stdout.startswith("9 created")


def test_the_rejected_rows_of_an_earlier_import_are_not_taken_for_those_of_this_one(run, path):
    run(path)
    path.write_text("name,email\nAnn,ann@example.com\n")

    assert run(path).exit_code == 0
    assert not path.with_name("users.csv.rejected.csv").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("{path}", "--map", "x"), "COLUMN=field"),
        (("{path}", "--map", "Mail=email"), "no column Mail"),
        (("{path}", "--map", "name=colour"), "no field"),
        (("{path}", "--delimiter", "ab"), "--delimiter"),
        (("{path}", "--encoding", "klingon"), "no encoding"),
        (("{path}", "--encoding", "utf-16"), "not utf-16"),
        (("{path}", "--resource", "dragons"), "dragons"),
        (("{path}", "--rejected", "{path}"), "cannot be written"),
        (("{path}", "--rejected", "{path}/x"), "cannot be written"),
        (("{path}x",), "does not exist"),
        (("-",), "--format"),
        (("-", "--format", "csv"), "empty"),
        (("{path}", "--delimiter", ";"), "No column is"),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_is_stored(run, path, total, words, why):
    answer = run(*(word.format(path=path) for word in words), input=b"")

    assert (answer.exit_code, total()) == (2, 0)
    assert why.lower() in answer.stderr.lower()
    assert [one.name for one in path.parent.glob("users.csv*")] == ["users.csv"]


def test_a_terminal_sees_how_far_it_is(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for screen, sees in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr("sys.stderr", screen)
        with files._bar(200) as show:
            show(100)
            show(200)
        assert ("100%" in screen.getvalue()) == sees
