"""A CRM that fails for ever: the circuit opens, a person is told once, and it goes on slowly until it heals."""

import pytest

from tests.support.faults_crm import calls, fault, forget_calls, heal, patch, status, sync
from tests.support.mailbox import mailbox
from tests.support.stack import Stack, until
from tests.support.well import assert_well, log_lines

GIVE_UP = 0.05
"""Hours, in the tests whose clock can be moved."""


@pytest.fixture
def mail():
    with mailbox() as kept:
        yield kept


@pytest.fixture
def settings(mail):
    return {
        "SYNC_GIVE_UP": GIVE_UP,
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": mail.port,
        "SMTP_FROM": "crm-sync@example.com",
        "NOTIFY_EMAIL": "oncall@example.com",
    }


def pass_until(site, check, **step):
    """Let time pass in steps until something has happened."""

    def look():
        if not check():
            site.clock.pass_(**step)
        return check()

    until(look, seconds=60, what="what was waited for")


def is_failed(site, user):
    return site.user(user["id"])["sync_status"] == "failed"


class TestForEver:
    @pytest.fixture
    def user(self, site):
        """A user whom the CRM refuses to hear of for longer than anybody wants to wait."""
        fault(site, "status", status=503, count=None)
        made = site.create().json()
        assert made["sync_status"] == "pending"
        pass_until(site, lambda: is_failed(site, made), minutes=1)
        return made

    def test_it_is_failed_with_the_reason_and_one_person_is_told_once(self, site, user, mail):
        assert "injected_fault" in site.user(user["id"])["sync_error"]
        until(lambda: mail.messages, what="the e-mail")
        told = len(site_log(site, "push_given_up"))

        for _ in range(3):
            forget_calls(site)
            pass_until(site, lambda: calls(site, "POST users"), minutes=10)  # it is still tried

        assert (told, len(site_log(site, "push_given_up")), len(mail.messages)) == (1, 1, 1)
        assert user["id"] in mail.messages[0]["Subject"]
        assert "ann@example.com" not in str(mail.messages[0])
        assert_well(site, kept=[user])

    def test_a_person_can_retry_as_soon_as_it_is_well(self, site, user):
        heal(site)
        pass_until(site, lambda: sync(site, user)["sync_status"] == "synced", seconds=5)
        assert_well(site, kept=[user])

    def test_an_edit_is_a_new_chance(self, site, user):
        heal(site)
        pass_until(site, lambda: patch(site, user, name="Ann Again").json()["sync_status"] == "synced", seconds=5)
        assert_well(site, kept=[user])


def site_log(site, event):
    return [line for line in log_lines(site) if line["event"] == event]


def test_the_circuit_opens_and_nobodys_call_waits_for_a_crm_that_is_down(site):
    fault(site, "status", status=500, count=None)
    users = [site.create(f"user{number}@example.com").json() for number in range(3)]
    assert status(site)["crm"]["circuit"] == "open"
    forget_calls(site)

    users += [site.create(f"user{number}@example.com").json() for number in range(3, 23)]

    assert {one["sync_status"] for one in users} == {"pending"}
    assert calls(site) <= 10  # two processes, each with a trial now and then: not twenty times three
    assert_well(site, kept=users)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_between_processes_it_is_given_up_told_once_and_synced_when_a_person_retries(tmp_path, database_url, settings):
    environ = {name: str(value) for name, value in settings.items()} | {"SYNC_GIVE_UP": "0.002", "CRM_TIMEOUT": "1"}
    stack = Stack(tmp_path, database_url, **environ)
    try:
        stack.start_all()
        fault(stack, "status", status=503, count=None)
        user = stack.create().json()
        until(lambda: is_failed(stack, user), seconds=90, what="giving up")
        heal(stack)
        until(lambda: sync(stack, user)["sync_status"] == "synced", seconds=90, what="the retry")
        assert_well(stack, kept=[user], seconds=90)
    finally:
        stack.stop()
    assert len([line for line in log_lines(stack) if line["event"] == "mail_sent"]) == 1
