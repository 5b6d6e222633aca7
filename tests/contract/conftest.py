"""Fixtures of the contract tests: a service with something of everything in it, and the figures at the end."""

import pytest

from app.resources import REGISTRY
from tests.support.operations import delete_many, disagree

FIGURES = "contract"


@pytest.fixture
def registry():
    return REGISTRY


@pytest.fixture
def full(client, crm, user):
    """A conflict that waits for a person, and a run whose deletions do."""
    disagree(client, crm, user)
    delete_many(client, crm)


@pytest.fixture
def tell(record_property, request):
    """Say at the end what was played."""

    def tell(played, seconds):
        record_property(
            FIGURES, f"{request.node.name}: {played}, in {seconds:.0f} s; {dict(sorted(played.statuses.items()))}"
        )

    return tell


def pytest_terminal_summary(terminalreporter):
    reports = [report for found in terminalreporter.stats.values() for report in found]
    calls = [report for report in reports if getattr(report, "when", "") == "call"]
    figures = [value for report in calls for name, value in report.user_properties if name == FIGURES]
    if figures:
        terminalreporter.section("calls that were fuzzed")
        for line in figures:
            terminalreporter.line(line)
