"""Searching: what is found, in which order, how it is marked, and that nothing that people type breaks it."""

import pytest

from app.core.db import db, transact
from app.services import searching
from app.store.tables import search_entries
from tests.support.found import QUERIES, expected, people
from tests.support.users import LATER

RESOURCE = "users"


@pytest.fixture
def resource(engine):
    return engine.registry[RESOURCE]


def found(client, query, path=f"/{RESOURCE}/search", **more):
    answer = client.get(path, query_string={"q": query, **more})
    assert answer.status_code == 200, answer.json
    return answer.json


def names(client, query, **more):
    return [one["record"]["name"] for one in found(client, query, **more)["data"]]


def make(client, *given):
    return [client.post("/users", json=one, headers=LATER).json for one in given]


def named(client, clock, *given):
    """Make users with these names, one after the other."""
    for number, name in enumerate(given):
        clock.pass_(seconds=1)
        make(client, {"name": name, "email": f"u{number}@example.org"})


def test_both_databases_find_the_same_in_the_same_order(client, clock, resource):
    made = []
    for number, person in enumerate(people(200)):
        if number % 3 == 0:
            clock.pass_(milliseconds=1)
        made += make(client, person)

    for query in QUERIES:
        answer = found(client, query, per_page=100)
        more = found(client, query, per_page=100, page=2)["data"]
        ids = [one["id"] for one in answer["data"] + more]
        assert (query, ids) == (query, expected(resource, made, query)[:200])
        assert answer["pagination"]["total"] == len(expected(resource, made, query))
        assert [one["id"] for one in found(client, query, "/search", per_page=100)["data"]] == ids[:100]


def test_the_title_comes_first_then_whole_words_then_what_is_new(client, clock):
    for name, email in (
        ("Anna Old", "a1@example.org"), ("Ann", "a2@example.org"), ("Bo", "ann@example.org"),
        ("Cy", "annika@example.org"), ("Anna New", "a3@example.org"), ("Old Ann", "a4@example.org"),
    ):  # fmt: skip
        clock.pass_(seconds=1)
        make(client, {"name": name, "email": email})

    assert names(client, "ann") == ["Old Ann", "Ann", "Anna New", "Anna Old", "Bo", "Cy"]


def test_a_hit_is_the_record_and_where_its_words_stand(client, user):
    answer = found(client, "ANN exam 123", "/search")

    assert answer["pagination"] == {"page": 1, "per_page": 20, "total": 1, "pages": 1, "next_cursor": None}
    (hit,) = answer["data"]
    assert hit["record"] == client.get(f"/users/{user['id']}").json
    assert hit == {
        "resource": "users",
        "id": user["id"],
        "record": hit["record"],
        "highlights": {
            "name": "<mark>Ann</mark> <mark>Exam</mark>ple",
            "email": "<mark>ann</mark>@<mark>exam</mark>ple.com",
            "phone": "<mark>123</mark>-456-7890",
        },
    }


def test_what_a_highlight_shows_is_no_html(client):
    make(client, {"name": "<script>alert(1)</script> & Ann", "email": "x@example.com"})

    (hit,) = found(client, "ann")["data"]

    assert hit["highlights"]["name"] == "&lt;script&gt;alert(1)&lt;/script&gt; &amp; <mark>Ann</mark>"


def test_pages_follow_each_other(client, clock):
    named(client, clock, *(f"Person {number}" for number in range(7)))

    pages = [names(client, "person", per_page=3, page=page) for page in (1, 2, 3, 4)]

    assert [len(page) for page in pages] == [3, 3, 1, 0]
    assert [name for page in pages for name in page] == [f"Person {number}" for number in reversed(range(7))]


def test_no_more_than_so_many_are_found(client, clock, monkeypatch):
    named(client, clock, "Ann 1", "Anna 2", "Ann 3", "Anna 4", "Ann 5")
    monkeypatch.setattr(searching, "MOST", 4)

    assert names(client, "ann") == ["Ann 5", "Ann 3", "Ann 1", "Anna 4"]
    assert found(client, "ann")["pagination"]["total"] == 4


def test_a_search_may_be_of_some_resources(client, user):
    assert found(client, "ann", "/search", resources=["users"])["pagination"]["total"] == 1
    assert client.get("/search?q=ann&resources=users&resources=nonsense").status_code == 400
    assert client.get("/api/v1/search?q=ann").json == client.get("/search?q=ann").json


# ── in step with the records ─────────────────────────────────────────────────────────────────────────────────────


def test_an_edit_is_found_by_its_new_words_only(client, user):
    client.patch(f"/users/{user['id']}", json={"name": "Beatrix"})

    assert names(client, "beatrix") == ["Beatrix"]
    assert names(client, "ann 123") == ["Beatrix"]  # her e-mail still is ann@
    assert "name" not in found(client, "ann")["data"][0]["highlights"]


def test_what_is_deleted_is_not_found_and_what_is_restored_is(client, user):
    client.delete(f"/users/{user['id']}")
    assert names(client, "ann") == []

    client.post(f"/users/{user['id']}/restore")
    assert names(client, "ann") == ["Ann Example"]


def test_what_comes_from_the_crm_is_found(client, crm, user, webhook):
    webhook(user["crm_id"], {"name": "Changed there"})
    crm.create(name="Made there", email="there@example.com")
    client.post("/sync")

    assert sorted(names(client, "there")) == ["Changed there", "Made there"]


def test_what_a_rolled_back_run_had_brought_is_not_found_any_more(client, crm, user):
    crm.edit(user["crm_id"], name="Changed there")
    run = client.post("/sync", json={"direction": "pull"}).json
    assert names(client, "changed") == ["Changed there"]

    client.post(f"/sync/runs/{run['id']}/rollback")

    assert names(client, "changed") == []
    assert names(client, "example") == ["Ann Example"]


def test_what_was_refused_leaves_no_trace(client, user):
    answer = client.post("/users", json={"name": "Second Ann", "email": user["email"]})

    assert answer.status_code == 409
    assert names(client, "second") == []


def test_a_push_that_changes_no_word_leaves_the_index_alone(client, user):
    before = places()
    client.post(f"/users/{user['id']}/sync")

    assert places() == before


def places():
    with db.engine.connect() as connection:
        return connection.execute(search_entries.select().order_by(search_entries.c.record_id)).all()


# ── what people type ─────────────────────────────────────────────────────────────────────────────────────────────

ODD = [
    'ann"', '"', "' ann", "ann*", "ann AND", "AND", "NOT ann", "ann OR", "NEAR(ann bo)", "title:ann", "words : ann", "^ann", "(ann",
    "ann)", "ann & bo", "a|b", "!ann", "ann:*", "ann:A", "\\ann", "ann\\", "-ann", "+ann", "{ann}", "_users", "_", "%", "; DROP TABLE users; --",
    "👨\u200d👩\u200d👧 ann", "ann\u0301", "\u202eann", "x" * 300, "a " * 150, "\ufdfa" * 300, "é" * 300, "<mark>", "ann' | 'bo", "$1 :a %s {0}",
]  # fmt: skip


def test_nothing_that_people_type_breaks_it(client, user):
    for query in ODD:
        for path in ("/search", "/users/search"):
            answer = client.get(path, query_string={"q": query})

            assert (query, answer.status_code in {200, 400}) == (query, True)
            assert answer.status_code == 200 or "q" in answer.json["errors"]


def test_operators_are_words(client, clock):
    named(client, clock, "Ann AND Bo", "Ann Bo", "Not Ann", "Near")

    assert names(client, "ann AND bo") == ["Ann AND Bo"]
    assert names(client, "NOT ann") == ["Not Ann"]
    assert names(client, "NEAR(") == ["Near"]
    assert names(client, "_users") == []
    assert names(client, "title:ann") == []


def test_a_search_without_a_word_is_refused(client):
    for query in ("", " ", "!?", '""', "👨\u200d👩\u200d👧", "*", "--", "\u00a0"):
        for path in ("/search", "/users/search"):
            answer = client.get(path, query_string={"q": query})
            assert (query, answer.status_code, list(answer.json["errors"])) == (query, 400, ["q"])


WRONG = {
    "": "q", "q=a&q=b": "q", "q=%00": "q", f"q={'x' * 301}": "q", "q=a&page=0": "page", "q=a&per_page=101": "per_page",
    "q=a&colour=red": "colour", "q=a&resources=nonsense": "resources",
}  # fmt: skip


def test_a_parameter_that_makes_no_sense_is_named(client):
    for query, name in WRONG.items():
        answer = client.get(f"/search?{query}")
        assert (query, answer.status_code, list(answer.json["errors"])) == (query, 400, [name])


# ── the index made anew ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_index_is_made_anew_from_the_records(app, client, clock, resource, monkeypatch):
    monkeypatch.setattr(searching, "PAGE", 2)
    named(client, clock, "Ann", "Bo", "Cy", "Di", "Ed")
    before = places()
    written_by_hand(resource, before)

    result = app.test_cli_runner().invoke(args=["sync", "reindex", "--json"])

    assert result.exit_code == 0, result.output
    assert '"users": 4' in result.output
    assert names(client, "ed") == []
    assert names(client, "zed") == ["Zed"]
    assert [row.record_id for row in places()] == [row.record_id for row in before[:4]]


def written_by_hand(resource, entries):
    """Change, forget and remove what the index knows of, behind its back."""
    table = resource.table

    def write(tx):
        tx.execute(table.update().where(table.c.id == entries[0].record_id).values(name="Zed"))
        tx.execute(table.delete().where(table.c.id == entries[4].record_id))
        tx.execute(search_entries.delete().where(search_entries.c.record_id == entries[1].record_id))

    transact(write)
