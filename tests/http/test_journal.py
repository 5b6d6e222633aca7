"""The journal of a record: who changed what, from what, to what."""

from tests.support.users import changes_of


def test_the_journal_says_who_changed_what_from_what_to_what(client, crm, worker, user, url, webhook):
    client.patch(url, json={"name": "Ann B.", "phone": None})
    webhook(user["crm_id"], {"phone": "555-010-9999"}, version=3)
    found = changes_of(client, user)

    assert [(one["by"], one["field"], one["from"], one["to"]) for one in found] == [
        ("webhook", "phone", None, "555-010-9999"),
        ("api", "name", "Ann Example", "Ann B."),
        ("api", "phone", "123-456-7890", None),
        ("api", "email", None, "ann@example.com"),
        ("api", "name", None, "Ann Example"),
        ("api", "phone", None, "123-456-7890"),
    ]
    assert [one["version"] for one in found] == [3, 2, 2, 1, 1, 1]
    assert found[0]["at"] == client.get(url).json["last_updated"]


def test_the_journal_is_read_in_parts(client, user, url):
    client.patch(url, json={"name": "B"})
    client.patch(url, json={"name": "C"})

    newest = client.get(f"{url}/changes?limit=1").json["data"]
    older = client.get(f"{url}/changes?before={newest[-1]['id']}").json["data"]

    assert newest[0]["to"] == "C"
    assert older[0]["to"] == "B"
    assert client.get(f"{url}/changes?before={2**40}").json["data"][0] == newest[0]
    for query in (f"before={2**40 + 1}", "limit=0", "limit=1001", "before=x", "before=0", "page=1"):
        assert client.get(f"{url}/changes?{query}").status_code == 400
