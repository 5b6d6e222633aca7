"""The page for people."""

import html

import pytest

HERE = {"Origin": "http://localhost"}


@pytest.fixture
def page(crm, ann):
    crm.post("/crm/users", json={**ann, "external_id": "e-77"})
    return crm


def test_the_list_shows_newest_first_fifty_at_a_time(crm):
    items = [{"name": f"Person {number}", "email": f"p{number}@example.com"} for number in range(120)]
    crm.post("/crm/users/batch", json={"items": items})
    first = crm.get("/", follow_redirects=True).text
    assert first.index("Person 119") < first.index("Person 70")
    assert "Person 69" not in first
    assert "page 1 of 3" in first
    last = crm.get("/records/users?page=3").text
    assert "Person 0" in last
    assert "Older" not in last


@pytest.mark.parametrize("text", ["ann ex", "ANN@EXAMPLE", "+49 30", "e-77", "crm1001"])
def test_a_search_looks_at_every_field(page, text):
    page.post("/crm/users", json={"name": "Bob", "email": "bob@example.org"})
    shown = page.get("/records/users", query_string={"q": text}).text
    assert "CRM1001" in shown
    assert "CRM1002" not in shown


@pytest.mark.parametrize("text", ["%", "_", "name", "\\", "'", '"><script>'])
def test_a_search_takes_every_character_for_itself(page, text):
    shown = page.get("/records/users", query_string={"q": text}).text
    assert "CRM1001" not in shown
    assert "<script>" not in shown


def test_deleted_records_are_shown_on_request(page):
    page.delete("/crm/users/CRM1001")
    assert "CRM1001" not in page.get("/records/users").text
    assert 'class="deleted"' in page.get("/records/users?deleted=1").text
    assert "was deleted" in page.get("/records/users/CRM1001").text


def test_a_record_is_edited_like_any_other_write(page, ann):
    form = page.get("/records/users/CRM1001").text
    assert all(html.escape(str(shown)) in form for shown in (*ann.values(), "e-77"))
    answer = page.post("/records/users/CRM1001", data={**ann, "phone": "", "version": "1"}, headers=HERE)
    assert answer.status_code == 303
    record = page.get("/crm/users/CRM1001").json
    assert (record["phone"], record["version"], record["external_id"]) == (None, 2, "e-77")


def test_saving_an_untouched_form_changes_nothing(crm, ann):
    crm.post("/crm/users", json={**ann, "phone": ""})
    crm.post("/records/users/CRM1001", data={**ann, "phone": "", "version": "1"}, headers=HERE)
    assert crm.get("/crm/users/CRM1001").json["version"] == 1


def test_an_edit_tells_the_webhooks(page, ann, subscribed):
    page.post("/records/users/CRM1001", data={**ann, "name": "Anna", "version": "1"}, headers=HERE)
    (body,) = subscribed.wait_for(1)
    assert body["updated_fields"] == {"name": "Anna"}
    assert "CRM1001" in page.get("/webhooks").text


def test_errors_stand_beside_their_fields_and_keep_what_was_typed(page):
    sent = {"name": " ", "email": "<b>nope", "phone": "", "version": "1"}
    answer = page.post("/records/users/CRM1001", data=sent, headers=HERE)
    assert answer.status_code == 400
    assert "Name must not be blank." in answer.text
    assert "Email must be an e-mail address." in answer.text
    assert 'value="&lt;b&gt;nope"' in answer.text


def test_a_form_that_is_out_of_date_is_not_saved(page, ann):
    page.patch("/crm/users/CRM1001", json={"name": "Meanwhile"})
    answer = page.post("/records/users/CRM1001", data={**ann, "name": "Mine", "version": "1"}, headers=HERE)
    assert answer.status_code == 412
    assert "Now in the CRM: Meanwhile" in answer.text
    assert page.post("/records/users/CRM1001/delete", data={"version": "1"}, headers=HERE).status_code == 412


def test_a_record_is_created_and_deleted(crm, ann):
    assert crm.post("/records/users/new", data={"name": "", "email": ""}, headers=HERE).status_code == 400
    assert crm.post("/records/users/new", data=ann, headers=HERE).status_code == 303
    assert crm.get("/crm/users/CRM1001").json["name"] == ann["name"]
    assert crm.post("/records/users/CRM1001/delete", data={"version": "1"}, headers=HERE).status_code == 303
    assert crm.get("/crm/users/CRM1001").status_code == 404
    assert crm.post("/records/users/CRM1001", data={**ann, "version": "2"}, headers=HERE).status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Referer": "http://evil.example/localhost"}, 403),
        ({"Sec-Fetch-Site": "cross-site", **HERE}, 403),
        ({"Sec-Fetch-Site": "same-site", **HERE}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Referer": "http://localhost/records/users/new"}, 303),
        (HERE, 303),
    ],
)
def test_only_the_page_itself_can_send_its_forms(crm, ann, headers, status):
    assert crm.post("/records/users/new", data=ann, headers=headers).status_code == status


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "page=" + "9" * 40, "q=%00", "q=%ED%A0%80"])
def test_odd_addresses_show_a_page(page, query):
    assert page.get(f"/records/users?{query}").status_code == 200


def test_odd_characters_in_a_form_are_refused(crm, ann):
    assert crm.post("/records/users/new", data={**ann, "name": "a\0b"}, headers=HERE).status_code == 400


def test_the_page_loads_nothing_from_elsewhere(page):
    answer = page.get("/records/users")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "http" not in answer.text.replace("https://example", "")
