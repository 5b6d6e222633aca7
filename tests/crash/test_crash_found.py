"""What is tried here can be found wanting: an engine that does things in the wrong order is caught."""

import pytest

from app.core.db import transact
from app.store import runs
from app.store.outbox import Owed
from app.sync import feed
from tests.support.crash_scenarios import KEYLESS, PULLS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_a_create_that_is_not_written_down_before_its_call_is_found(die_everywhere, monkeypatch):
    monkeypatch.setattr(Owed, "sending", lambda owed, _sent, _creating: owed)

    with pytest.raises(AssertionError, match=r"after call POST users, then pushes: .*K5: .* has 2 records in"):
        die_everywhere(KEYLESS["a worker pushes three creates, one by one"])


def test_a_cursor_that_is_ahead_of_its_page_is_found(die_everywhere, monkeypatch):
    take = feed._take_page

    def too_early(part, page, asked_with):
        transact(lambda tx: runs.save_cursor(tx, part.resource.name, page.cursor))
        take(part, page, asked_with)

    monkeypatch.setattr(feed, "_take_page", too_early)

    with pytest.raises(AssertionError, match=r"killed at point .*K4: here is"):
        die_everywhere(PULLS["a worker pulls"])
