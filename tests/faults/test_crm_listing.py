"""Lists that shift, repeat themselves, break off or never differ in time: each record once, and none is taken for gone."""

import json
import threading

import pytest

from tests.support.faults_crm import calls, delete_there, fault, forget_calls, heal, pull, waiting_faults
from tests.support.server import serving
from tests.support.stack import until
from tests.support.well import assert_well, everybody_here

FEED = {"method": "GET", "path": "/crm/users"}


def fill(site, count, *, start=0):
    """Let the CRM have many records, all of one moment, of which nobody is told; return their crm_ids."""
    store = site.apps["crm"].extensions["mock_crm"].store
    moment = "2026-03-01T12:00:00.000Z"
    with store.writing() as rows:
        for number in range(start + 1, start + count + 1):
            fields = {"name": f"Person {number}", "email": f"person{number}@crowd.example.com", "phone": None}
            rows.execute(
                "INSERT INTO records (number, seq, resource, external_id, version, updated_at, deleted, fields)"
                " VALUES (?, ?, 'users', NULL, 1, ?, 0, ?)",
                (5000 + number, 5000 + number, moment, json.dumps(fields, separators=(",", ":"))),
            )
    return [f"CRM{5000 + number}" for number in range(start + 1, start + count + 1)]


@pytest.fixture
def alone(site):
    """Without a worker that pulls too."""
    site.kill("worker")
    return site


def begin_pull(site):
    done = []
    thread = threading.Thread(target=lambda: done.append(pull(site)))
    thread.start()
    return thread, done


def test_pages_that_shift_while_they_are_read_lose_and_double_nothing(alone):
    ids = fill(alone, 2100)
    fault(alone, "webhook_drop", count=None)
    fault(alone, "slow", seconds=60, after=1, **FEED)  # the second page waits until it has shifted
    thread, done = begin_pull(alone)
    until(lambda: not waiting_faults(alone, "slow"), what="the second page")
    for crm_id in (ids[0], ids[1500], ids[2050]):
        alone.edit_there(crm_id, phone="222-222-2222")
    for crm_id in (ids[1], ids[1501]):
        delete_there(alone, crm_id)
    heal(alone)
    thread.join(60)

    assert done[0]["status"] == "succeeded"
    pull(alone)
    assert len(everybody_here(alone)) == 2098
    alone.start("worker")
    assert_well(alone)


def test_a_list_that_repeats_itself_makes_each_record_once(alone):
    fill(alone, 120)
    fault(alone, "repeat_items", count=5, **FEED)

    assert pull(alone)["created"] == 120

    alone.start("worker")
    assert_well(alone)


@pytest.mark.long
def test_a_page_that_fails_ends_the_pull_and_nothing_is_taken_for_deleted(alone):
    fill(alone, 4100)
    fault(alone, "status", status=500, after=2, count=3, **FEED)

    assert pull(alone)["status"] == "failed"
    assert len(everybody_here(alone)) == 2000

    done = pull(alone)
    assert (done["status"], done["created"], done["deleted"]) == ("succeeded", 2100, 0)
    alone.start("worker")
    assert_well(alone)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_ten_thousand_and_one_records_of_one_moment_all_arrive_once(alone):
    fill(alone, 10_001)
    forget_calls(alone)

    done = pull(alone)

    assert (done["created"], calls(alone, "GET users")) == (10_001, 11)
    again = pull(alone)
    assert (again["created"], again["updated"], again["deleted"]) == (0, 0, 0)
    alone.start("worker")
    assert_well(alone)


class TestEndless:
    """A CRM whose pages never end: each says that there is more, behind the place where we are."""

    @pytest.fixture
    def settings(self):
        with serving(self.answer) as crm:
            yield {"CRM_API_URL": crm.url, "CRM_AUTH_TYPE": "api_key"}

    @staticmethod
    def answer(_server, connection, head):
        page = {"items": [{"crm_id": "CRM1", "version": 1, "name": "Ann Example", "email": "ann@example.com"}]}
        body = json.dumps(page | {"next_cursor": "again", "has_more": True}).encode()
        if not head.startswith(b"GET"):
            body = b"{}"
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    @pytest.fixture
    def site(self, bare_site):
        bare_site.start("web")
        return bare_site

    def test_a_list_that_never_ends_is_left(self, site):
        assert pull(site)["status"] == "succeeded"
        assert len(everybody_here(site)) == 1
