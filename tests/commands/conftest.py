"""Fixtures of the tests that speak to the service by its commands."""

import json

import pytest

from tests.support.operations import disagree


@pytest.fixture
def run(app):
    runner = app.test_cli_runner()
    return lambda *words, **more: runner.invoke(args=["sync", *words], **more)


@pytest.fixture
def as_json(run):
    """Run a command and return its exit code, and the one JSON object that it prints."""

    def invoke(*words):
        answer = run(*words, "--json")
        return answer.exit_code, json.loads(answer.stdout)

    return invoke


@pytest.fixture
def terminal(monkeypatch):
    """A person looks at what is printed."""
    monkeypatch.setattr("app.commands.options.on_terminal", lambda: True)


@pytest.fixture
def conflict(client, crm, user):
    """A field that both sides changed, which a person has to decide."""
    return disagree(client, crm, user)
