"""`flask sync export`: what comes out, and that it goes back in as it was."""

import csv
import io
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from app.core.db import transact
from app.core.kinds import is_plain
from app.resources import REGISTRY
from app.services.batches import create_many
from app.services.files import exporting, tabular
from app.services.files.columns import Names
from tests.support.users import FIELDS, patch_later

NASTY = [
    "=1+1", "'=1", "@x", "+1|x", "-A", '"', '""', "a,b", "a;b", " a ", "'", "\u2028", "\U0001d538 e\u0301", "null", "\\N", ",",
]  # fmt: skip
names = (st.sampled_from(NASTY) | st.text(max_size=40)).filter(lambda text: is_plain(text) and text.strip())
phones = st.sampled_from([None, "+1 212 555 0100", "(212) 555-0100", "+442079460958", "212-555-0100 ext. 5"])
everybody = st.lists(st.tuples(names, phones), min_size=1, max_size=5)


@pytest.fixture
def run(app):
    runner = app.test_cli_runner()
    return lambda *words, **more: runner.invoke(args=["sync", *map(str, words)], **more)


@pytest.fixture
def store(engine):
    """Store users and return them as the export shows them."""

    def make(pairs):
        drafts = [{"name": name, "email": f"u{n}@example.com", "phone": phone} for n, (name, phone) in enumerate(pairs)]
        made = create_many(engine, engine.registry["users"], drafts)
        return [{"id": one.id, **one.fields} for one in sorted(made, key=lambda one: one.id)]

    return make


def _rows(answer):
    return list(csv.DictReader(io.StringIO(answer.stdout_bytes.decode(), newline="")))


def test_every_live_user_comes_out_with_its_declared_fields(run, store, client, user):
    gone = client.post("/users", json={"name": "Gone", "email": "gone@example.com"}).json
    client.delete(f"/users/{gone['id']}")

    answer = run("export")

    assert answer.exit_code == 0
    assert _rows(answer) == [{name: user[name] for name in ("id", *FIELDS)}]


def test_what_the_sync_knows_comes_out_when_asked(run, user):
    (row,) = _rows(run("export", "--with-sync"))
    (one,) = [json.loads(line) for line in run("export", "--with-sync", "--format", "ndjson").stdout.splitlines()]

    assert one == {name: value for name, value in user.items() if name != "sync_error"}
    assert row == {name: str(value) for name, value in one.items()}
    assert list(row) == ["id", *FIELDS, "crm_id", "sync_status", "version", "created_at", "last_updated"]


def test_only_those_that_stand_so_with_the_crm(run, client, user, another):
    patch_later(client, client.post("/users", json=another()).json, name="Edited")

    for status, expected in (("synced", [user["name"]]), ("pending", ["Edited"]), ("failed", [])):
        assert [row["name"] for row in _rows(run("export", "--status", status))] == expected


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
def test_pages_end_where_they_end(run, store, monkeypatch, count):
    monkeypatch.setattr(exporting, "PAGE", 2)
    made = store([("Ann", None)] * count) if count else []

    assert [row["id"] for row in _rows(run("export"))] == [one["id"] for one in made]


def test_a_file_is_there_whole_or_not_at_all(run, store, tmp_path, monkeypatch):
    path = tmp_path / "users.ndjson"
    path.write_text("before")
    made = store([("Ann", None), ("Bob", "")])

    answer = run("export", "--output", path)

    assert answer.stdout == f"2 users exported to {path}.\n"
    assert [json.loads(line) for line in path.read_text().splitlines()] == made

    monkeypatch.setattr(exporting.bulk, "live_after", lambda *_args, **_more: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run("export", "--output", path, catch_exceptions=False)
    assert len(path.read_text().splitlines()) == 2
    assert [one.name for one in tmp_path.iterdir() if "users" in one.name] == ["users.ndjson"]


def test_a_formula_comes_out_as_text_and_a_phone_number_as_it_is(run, store):
    store([("=HYPERLINK(1)", "+1 212 555 0100")])

    (row,) = _rows(run("export"))
    assert (row["name"], row["phone"]) == ("'=HYPERLINK(1)", "+1 212 555 0100")
    assert json.loads(run("export", "--format", "ndjson").stdout)["name"] == "=HYPERLINK(1)"


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=everybody, kind=st.sampled_from(["csv", "ndjson"]), with_sync=st.sampled_from([(), ("--with-sync",)]))
def test_what_comes_out_goes_back_in_as_it_was(run, store, engine, pairs, kind, with_sync):
    table = engine.registry["users"].table
    transact(lambda tx: tx.execute(delete(table)))
    before = store(pairs)
    exported = run("export", "--format", kind, *with_sync).stdout_bytes
    transact(lambda tx: tx.execute(delete(table)))

    answer = run("import", "-", "--format", kind, input=exported)

    assert (answer.exit_code, f"{len(before)} created" in answer.stdout) == (0, True), answer.output
    after = [json.loads(line) for line in run("export", "--format", "ndjson").stdout_bytes.decode().splitlines()]
    assert [[one[name] for name in FIELDS] for one in after] == [[one[name] for name in FIELDS] for one in before]


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(rows=st.lists(st.fixed_dictionaries(dict.fromkeys(FIELDS, texts)), max_size=5))
def test_any_text_is_written_so_that_it_is_read_the_same(rows):
    users = REGISTRY["users"]
    out = io.StringIO(newline="")
    assert exporting.write(out, "csv", list(FIELDS), iter(rows)) == len(rows)

    table = tabular.read(io.BytesIO(out.getvalue().encode()), "csv", "utf-8", users, Names(users))
    expected = [{**row, "phone": row["phone"] or None} for row in rows if any(row.values())]
    assert [row.fields for row in table.rows] == expected


def test_where_nothing_can_be_written_is_said_in_a_sentence(run, tmp_path):
    answer = run("export", "--output", tmp_path / "nowhere" / "users.csv")

    assert (answer.exit_code, "cannot be written" in answer.output) == (1, True)
