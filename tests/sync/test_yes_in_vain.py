"""A CRM without versions whose clock is set back: its yes counts as older than what it said before."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.record import Stamp
from tests.support.users import patch_later, read


@pytest.fixture
def set_back(engine, clock, monkeypatch):
    """Let the CRM say no versions, and let its clock be set back by so much."""
    back = [timedelta()]

    def told(call):
        def say(*args, **more):
            return replace(call(*args, **more), stamp=Stamp(None, clock.now() - back[0]))

        return say

    for name in ("create", "update", "get"):
        monkeypatch.setattr(engine.crm, name, told(getattr(engine.crm, name)))

    def set_back(**by):
        back[0] = timedelta(**by)

    return set_back


def test_it_is_not_said_again_at_once_but_after_a_pause_until_its_clock_has_caught_up(
    client, crm, worker, clock, set_back, another
):
    user = client.post("/users", json=another()).json
    set_back(hours=1)
    patch_later(client, user, name="Bobby")
    for _ in range(5):
        worker.push()

    assert (len(crm.calls("PATCH")), crm.get(user["crm_id"])["name"]) == (1, "Bobby")
    shown = read(client, user)
    assert (shown["sync_status"], "older than what it said before" in shown["sync_error"]) == ("pending", True)

    for _ in range(10):
        clock.pass_(minutes=15)
        worker.push()

    shown = read(client, user)
    assert (shown["sync_status"], shown["sync_error"]) == ("synced", None)
    assert len(crm.calls("PATCH")) <= 8
